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
from cornu.legacy.keras1.argument_values import convert_dim_ordering

__all__ = ["MODULES", "ImageDataGenerator", "Tokenizer"]


class ImageDataGenerator(image.ImageDataGenerator):
    """Makes batches of randomly transformed and standardized images, with the arguments of Keras 1.

    Args:
        dim_ordering: "tf" (channels last) or "th" (channels first).
        featurewise_center, samplewise_center, featurewise_std_normalization,
            samplewise_std_normalization, zca_whitening, rotation_range, width_shift_range,
            height_shift_range, shear_range, zoom_range, channel_shift_range, fill_mode, cval,
            horizontal_flip, vertical_flip, rescale, preprocessing_function: as in later versions.
    """

    def __init__(
        self,
        featurewise_center: bool = False,
        samplewise_center: bool = False,
        featurewise_std_normalization: bool = False,
        samplewise_std_normalization: bool = False,
        zca_whitening: bool = False,
        rotation_range: float = 0.0,
        width_shift_range: float = 0.0,
        height_shift_range: float = 0.0,
        shear_range: float = 0.0,
        zoom_range: Any = 0.0,
        channel_shift_range: float = 0.0,
        fill_mode: str = "nearest",
        cval: float = 0.0,
        horizontal_flip: bool = False,
        vertical_flip: bool = False,
        rescale: float | None = None,
        preprocessing_function: Any = None,
        dim_ordering: str = "default",
    ) -> None:
        super().__init__(
            featurewise_center=featurewise_center,
            samplewise_center=samplewise_center,
            featurewise_std_normalization=featurewise_std_normalization,
            samplewise_std_normalization=samplewise_std_normalization,
            zca_whitening=zca_whitening,
            rotation_range=rotation_range,
            width_shift_range=width_shift_range,
            height_shift_range=height_shift_range,
            # In Keras 1 the shear is an angle in radians.
            shear_range=float(np.rad2deg(shear_range)),
            zoom_range=zoom_range,
            channel_shift_range=channel_shift_range,
            fill_mode=fill_mode,
            cval=cval,
            horizontal_flip=horizontal_flip,
            vertical_flip=vertical_flip,
            rescale=rescale,
            preprocessing_function=preprocessing_function,
            data_format=convert_dim_ordering(dim_ordering),
            interpolation_order=0,
        )

    def flow(  # type: ignore[override]
        self,
        X: Any,
        y: Any = None,
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "jpeg",
    ) -> Any:
        """Returns batches of images in an array, with targets if there are any."""
        return super().flow(
            X,
            y,
            batch_size,
            shuffle,
            seed=seed,
            save_to_dir=save_to_dir,
            save_prefix=save_prefix,
            save_format=save_format,
        )

    def flow_from_directory(  # type: ignore[override]
        self,
        directory: Any,
        target_size: Any = (256, 256),
        color_mode: str = "rgb",
        classes: Any = None,
        class_mode: str | None = "categorical",
        batch_size: int = 32,
        shuffle: bool = True,
        seed: int | None = None,
        save_to_dir: str | None = None,
        save_prefix: str = "",
        save_format: str = "jpeg",
        follow_links: bool = False,
    ) -> Any:
        """Returns batches of the images in the folders of a directory, one for each class."""
        return super().flow_from_directory(
            directory,
            target_size,
            color_mode,
            classes,
            class_mode,
            batch_size,
            shuffle,
            seed,
            save_to_dir,
            save_prefix,
            save_format,
            follow_links,
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

    def __init__(
        self,
        nb_words: int | None = None,
        filters: str = text.FILTERS,
        lower: bool = True,
        split: str = " ",
        char_level: bool = False,
    ) -> None:
        super().__init__(nb_words, filters, lower, split, char_level)

    @property
    def nb_words(self) -> int | None:
        """The number of words that are kept."""
        count: int | None = self.num_words
        return count


def array_to_img(x: Any, dim_ordering: str = "default", scale: bool = True) -> Any:
    """Converts an array to an image of Pillow."""
    order: Any = convert_dim_ordering(dim_ordering)
    return utils.array_to_img(x, data_format=order, scale=scale)


def img_to_array(img: Any, dim_ordering: str = "default") -> np.ndarray:
    """Converts an image of Pillow to an array."""
    order: Any = convert_dim_ordering(dim_ordering)
    return utils.img_to_array(img, data_format=order)


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


_AXES = "row_axis=1, col_axis=2, channel_axis=0, fill_mode='nearest', cval=0.0"
# Functions that take the nearest pixel, where later versions interpolate.
_NEAREST = {
    "random_rotation": f"x, rg, {_AXES}",
    "random_shift": f"x, wrg, hrg, {_AXES}",
    "random_zoom": f"x, zoom_range, {_AXES}",
}
_nearest = {
    name: with_signature(
        getattr(image_transforms, name), signature, fixed={"interpolation_order": 0}
    )
    for name, signature in _NEAREST.items()
}


def random_shear(
    x: np.ndarray,
    intensity: float,
    row_axis: int = 1,
    col_axis: int = 2,
    channel_axis: int = 0,
    fill_mode: str = "nearest",
    cval: float = 0.0,
) -> np.ndarray:
    """Shears an image by a random angle of up to `intensity` radians."""
    axes = (row_axis, col_axis, channel_axis, fill_mode, cval)
    return image_transforms.random_shear(x, float(np.rad2deg(intensity)), *axes, 0)


def skipgrams(
    sequence: Any,
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
) -> Any:
    """Returns pairs of words with labels: 1 for words that occur near each other, 0 for random."""
    options = (vocabulary_size, window_size, negative_samples, shuffle, categorical)
    return own_sequence.skipgrams(sequence, *options, sampling_table)


MODULES: dict[str, dict[str, Any]] = {
    "image": {
        **_nearest,
        **{
            made.__name__: made
            for made in (
                *(ImageDataGenerator, apply_transform, array_to_img, img_to_array),
                *(list_pictures, load_img, random_channel_shift, random_shear),
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
