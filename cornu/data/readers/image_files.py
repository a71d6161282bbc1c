"""A Dataset of the image files in a folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import settings
from cornu.data.readers import resampling
from cornu.data.readers.dataset import Dataset
from cornu.data.readers.directories import Wish, datasets
from cornu.data.readers.images import decoded, pillow
from cornu.errors import suggest

__all__ = ["image_dataset_from_directory"]

_WHO = "image_dataset_from_directory"
_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_KINDS = ("BMP", "GIF", "JPEG", "PNG")  # Pillow's readers; a file is what its first bytes say
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


def image_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    color_mode: str = "rgb",
    batch_size: int | None = 32,
    image_size: Any = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: str | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns batches of the images in a folder, in which each class has a folder.

    Files are read and resized when their batch is needed, several batches at a time in threads.

    Args:
        directory: the folder.
        labels: `"inferred"` from the names of the folders in it; None; or one number for each
            file, in the order of their sorted paths.
        label_mode: `"int"`, `"categorical"` (one-hot), `"binary"` (0.0 or 1.0) or None.
        class_names: the folders to read, in the order of their numbers; by default all, sorted.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        batch_size: images of a batch; with None each image is an item without batch axis.
        image_size: (height, width) of all images, or one number for both.
        shuffle: whether files are in random order, a new one in each epoch of `fit`.
        seed: of the order.
        validation_split: the part of the files, from the end, that is kept for validation.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`, `"lanczos3"`,
            `"lanczos5"`, `"gaussian"` or `"mitchellcubic"`.
        follow_links: whether folders are read to which there are links.
        crop_to_aspect_ratio: whether the middle of an image is taken rather than stretching it.
        pad_to_aspect_ratio: whether zeros are added at two sides rather than stretching it.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        format: kept for the signature; there is one kind of result.
        verbose: whether to say how many files there are.

    Shapes:
        images (batch, height, width, channels) of float32 from 0 to 255 (uint8 with "nearest");
        labels (batch,) of int32, or (batch, classes) or (batch, 1) of float32.

    Returns:
        A Dataset with `class_names` and `file_paths`, or two of them.

    Raises:
        NotADirectoryError: there is no such folder.
        ValueError: an argument is not right, or there are no images. When a batch is made: a file
            is no image, is damaged, or is so large that it may be an attack; the file is named.
        ImportError: Pillow is not installed.

    Example:

    >>> import pathlib, tempfile
    >>> import cornu
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name in ("cats", "dogs"):
    ...     (folder / name).mkdir()
    ...     cornu.utils.save_img(folder / name / "1.png", np.ones((8, 8, 3)))
    >>> data = image_dataset_from_directory(folder, image_size=(4, 4))
    Found 2 files belonging to 2 classes.
    >>> for images, labels in data:
    ...     print(images.shape, data.class_names, sorted(labels.tolist()))
    (2, 4, 4, 3) ['cats', 'dogs'] [0, 1]

    Differences: the files, their split and their first order are those of Keras with the same
        seed; the orders of later epochs are not, as Keras's come from TensorFlow. Reading the
        dataset in a loop gives the first order each time. Batches are NumPy arrays, and two
        datasets are a tuple. Values differ by one or two where Pillow decodes JPEG or makes
        colors grey otherwise than TensorFlow does. GIF files may be read in all color modes. The
        labels that are passed are not changed.
    """
    if color_mode not in _CHANNELS:
        raise ValueError(f"{_WHO}: color_mode is one of {tuple(_CHANNELS)}. {color_mode!r}")
    interpolation = interpolation.lower()
    if interpolation not in resampling.METHODS:
        known = resampling.METHODS
        raise ValueError(
            f"{_WHO}: interpolation is one of {known}. {suggest(interpolation, known)}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{_WHO}: give crop_to_aspect_ratio or pad_to_aspect_ratio, not both.")
    if format not in ("tf", "grain"):
        raise ValueError(f"{_WHO}: format is 'tf' or 'grain'. Received: {format!r}")
    size = _size(image_size)
    first = settings.data_format(data_format) == "channels_first"
    pillow(_WHO)  # if it is missing, that is said now

    def image(path: str) -> np.ndarray:
        x = decoded(path, _CHANNELS[color_mode], _WHO, _KINDS)
        if pad_to_aspect_ratio:
            return resampling.padded(x, size, interpolation)
        x = resampling.cropped(x, size) if crop_to_aspect_ratio else x
        return resampling.resized(x, size, interpolation)

    def read(paths: list[str]) -> np.ndarray:
        images = np.stack([image(path) for path in paths])
        return images.transpose(0, 3, 1, 2) if first else images

    wish = Wish(
        who=_WHO,
        directory=directory,
        labels=labels,
        label_mode=label_mode,
        class_names=class_names,
        batch_size=batch_size,
        shuffle=shuffle,
        seed=seed,
        validation_split=validation_split,
        subset=subset,
        follow_links=follow_links,
        verbose=verbose,
    )
    return datasets(wish, _ENDINGS, read)


def _size(size: Any) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, (int, np.integer)) else size
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(isinstance(n, (int, np.integer)) and n > 0 for n in pair)
    ):
        raise ValueError(
            f"{_WHO}: image_size is (height, width), both from 1 on, or one number. "
            f"Received: {size!r}"
        )
    return int(pair[0]), int(pair[1])
