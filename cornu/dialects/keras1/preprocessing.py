"""`keras.preprocessing` of Keras 1: images, text and sequences, with its signatures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cornu import utils
from cornu.dialects.old_signatures import with_signature
from cornu.dialects.preprocessing import image, image_iterators, image_transforms, text
from cornu.dialects.preprocessing import sequence as own_sequence
from cornu.dialects.preprocessing.image_signatures import KERAS_1, RANDOM
from cornu.legacy.keras1.argument_values import convert_dim_ordering

__all__ = ["MODULES", "ImageDataGenerator", "Tokenizer"]


def _degrees(radians: float) -> float:
    """Returns the degrees of an angle, which Keras 1 has in radians."""
    return float(np.rad2deg(radians))


class ImageDataGenerator(image.ImageDataGenerator):
    """Makes batches of randomly transformed and standardized images, with the arguments of Keras 1.

    Args:
        dim_ordering: "tf" (channels last) or "th" (channels first).
        featurewise_center, samplewise_center, featurewise_std_normalization,
            samplewise_std_normalization, zca_whitening, rotation_range, width_shift_range,
            height_shift_range, shear_range, zoom_range, channel_shift_range, fill_mode, cval,
            horizontal_flip, vertical_flip, rescale, preprocessing_function: as in later versions.
    """

    __init__ = with_signature(
        image.ImageDataGenerator.__init__,
        KERAS_1["__init__"],
        {"dim_ordering": "data_format"},
        fixed={"interpolation_order": 0},
        convert={"dim_ordering": convert_dim_ordering, "shear_range": _degrees},
    )
    flow = with_signature(image.ImageDataGenerator.flow, KERAS_1["flow"], {"X": "x"})
    flow_from_directory = with_signature(
        image.ImageDataGenerator.flow_from_directory, KERAS_1["flow_from_directory"]
    )

    def random_transform(self, x: np.ndarray) -> np.ndarray:  # type: ignore[override]
        """Returns a randomly transformed image.

        Random numbers of flips are used only if the image may be flipped, unlike in later versions.
        """
        x = self.apply_transform(x, self._choose_matrix(x.shape))
        if self.channel_shift_range:
            x = random_channel_shift(x, self.channel_shift_range, self.channel_axis)
        flips = ((self.horizontal_flip, self.col_axis), (self.vertical_flip, self.row_axis))
        for may_flip, axis in flips:
            if may_flip and np.random.random() < 0.5:
                x = image_transforms.flip_axis(x, axis)
        return x

    def transform(self, x: np.ndarray) -> np.ndarray:
        """Returns an image, randomly transformed and standardized."""
        return self.standardize(self.random_transform(x.astype(self.dtype)))

    def fit(self, x: Any, augment: bool = False, rounds: int = 1, seed: int | None = None) -> None:
        """Computes the mean, the standard deviation and the whitening of images."""
        super().fit(x, augment, rounds, seed)


class Tokenizer(text.Tokenizer):
    """Converts texts to sequences of the numbers of their words.

    Args:
        nb_words: the number of words, of which the rarer ones are dropped.
        filters: characters that are dropped.
        lower: whether to convert to lower case.
        split: what separates words.
        char_level: whether each character is a word.
    """

    __init__ = with_signature(
        text.Tokenizer.__init__,
        f"self, nb_words=None, filters={text.FILTERS!r}, lower=True, split=' ', char_level=False",
        {"nb_words": "num_words"},
    )

    @property
    def nb_words(self) -> int | None:
        """The number of words that are kept."""
        count: int | None = self.num_words
        return count


_ORDERING = {"dim_ordering": "data_format"}
array_to_img = with_signature(
    utils.array_to_img,
    "x, dim_ordering='default', scale=True",
    _ORDERING,
    convert={"dim_ordering": convert_dim_ordering},
)
img_to_array = with_signature(
    utils.img_to_array,
    "img, dim_ordering='default'",
    _ORDERING,
    convert={"dim_ordering": convert_dim_ordering},
)


def load_img(path: Any, grayscale: bool = False, target_size: Any = None) -> Any:
    """Loads an image file as an image of Pillow; `target_size` is (height, width)."""
    mode: Literal["grayscale", "rgb"] = "grayscale" if grayscale else "rgb"
    return utils.load_img(path, color_mode=mode, target_size=target_size)


def list_pictures(directory: Any, ext: str = "jpg|jpeg|bmp|png") -> list[str]:
    """Returns the paths of the image files below a directory."""
    names = re.compile(rf"[\w]+\.(?:{ext})")
    return [str(p) for p in sorted(Path(directory).rglob("*")) if names.fullmatch(p.name)]


def transform_matrix_offset_center(matrix: np.ndarray, x: int, y: int) -> np.ndarray:
    """Returns the matrix of a transformation around the center of an image of size (x, y)."""
    center = np.array([[1, 0, x / 2 + 0.5], [0, 1, y / 2 + 0.5], [0, 0, 1]])
    back = np.array([[1, 0, -x / 2 - 0.5], [0, 1, -y / 2 - 0.5], [0, 0, 1]])
    found: np.ndarray = center @ matrix @ back
    return found


def apply_transform(
    x: np.ndarray,
    transform_matrix: np.ndarray,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
) -> np.ndarray:
    """Applies an affine matrix to each channel of an image."""
    from scipy import ndimage

    channels = np.moveaxis(x, channel_axis, 0)
    linear, offset = transform_matrix[:2, :2], transform_matrix[:2, 2]
    moved = [
        ndimage.affine_transform(c, linear, offset, order=0, mode=fill_mode, cval=cval)
        for c in channels
    ]
    return np.moveaxis(np.stack(moved), 0, channel_axis)


def random_channel_shift(x: np.ndarray, intensity: float, channel_axis: int = 0) -> np.ndarray:
    """Adds a random number to each channel, and clips to the range of the image."""
    channels = np.moveaxis(x, channel_axis, 0)
    low, high = x.min(), x.max()
    moved = [np.clip(c + np.random.uniform(-intensity, intensity), low, high) for c in channels]
    return np.moveaxis(np.stack(moved), 0, channel_axis)


# Functions that take the nearest pixel, where later versions interpolate.
_nearest = {
    name: with_signature(
        getattr(image_transforms, name),
        signature,
        fixed={"interpolation_order": 0},
        convert={"intensity": _degrees} if name == "random_shear" else {},
    )
    for name, signature in RANDOM.items()
}
skipgrams = with_signature(
    own_sequence.skipgrams,
    "sequence, vocabulary_size, window_size=4, negative_samples=1.0, shuffle=True, "
    "categorical=False, sampling_table=None",
)


MODULES: dict[str, dict[str, Any]] = {
    "image": {
        **_nearest,
        **{
            made.__name__: made
            for made in (
                *(ImageDataGenerator, apply_transform, array_to_img, img_to_array),
                *(list_pictures, load_img, random_channel_shift),
                *(transform_matrix_offset_center, image_transforms.flip_axis),
                image_iterators.DirectoryIterator,
                *(image_iterators.Iterator, image_iterators.NumpyArrayIterator),
            )
        },
    },
    "sequence": {
        "make_sampling_table": own_sequence.make_sampling_table,
        "pad_sequences": utils.pad_sequences,
        "skipgrams": skipgrams,
    },
    "text": {
        "Tokenizer": Tokenizer,
        "one_hot": text.one_hot,
        "text_to_word_sequence": text.text_to_word_sequence,
    },
}
