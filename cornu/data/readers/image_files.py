"""Reads the image files of a folder as a Dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from cornu import settings
from cornu.core.state.aligned import empty_aligned
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data.readers import resampling
from cornu.data.readers.dataset import Dataset
from cornu.data.readers.decoding import ImageDecoder
from cornu.data.readers.directories import (
    DirectoryOptions,
    LabelMode,
    Labels,
    Subset,
    check_format,
    make_datasets,
)
from cornu.data.readers.images import ColorMode, import_pillow
from cornu.data.readers.threads import run_in_threads
from cornu.errors import suggest
from cornu.types import DataFormat

__all__ = ["image_dataset_from_directory"]

_NAME = "image_dataset_from_directory"
_ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_KINDS = ("BMP", "GIF", "JPEG", "PNG")  # formats of Pillow, which detects them by the first bytes
_CHANNELS = {"grayscale": 1, "rgb": 3, "rgba": 4}


@api_boundary
def image_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    color_mode: ColorMode = "rgb",
    batch_size: int | None = 32,
    image_size: int | tuple[int, int] = (256, 256),
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    interpolation: str = "bilinear",
    follow_links: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    data_format: DataFormat | None = None,
    format: str = "tf",
    verbose: bool = True,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns a Dataset of the images in a folder, with one subfolder per class.

    Files are read and resized when a batch is requested, in threads that share the images of each
    batch. JPEG files are decoded in less time, to the same pixels, if simplejpeg is installed
    (`cornu[jpeg]`).

    Args:
        directory: the folder.
        labels: `"inferred"` from the names of the subfolders; None; or a number for each file,
            in the order of their sorted paths.
        label_mode: `"int"`, `"categorical"` (one-hot), `"binary"` (0.0 or 1.0) or None.
        class_names: the subfolders to read, in the order of class indices; by default all, sorted.
        color_mode: `"rgb"`, `"rgba"` or `"grayscale"`.
        batch_size: the batch size; with None, each element is one image without batch axis.
        image_size: (height, width), or one integer for both.
        shuffle: whether to shuffle the files, in a new order in each epoch of `fit`.
        seed: the seed of the order.
        validation_split: the fraction of the files that is reserved for validation, taken from
            the end.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"area"`, `"lanczos3"`,
            `"lanczos5"`, `"gaussian"` or `"mitchellcubic"`.
        follow_links: whether to follow symbolic links to folders.
        crop_to_aspect_ratio: whether to crop images to the center instead of distorting them.
        pad_to_aspect_ratio: whether to pad images with zeros instead of distorting them.
        data_format: `"channels_last"` or `"channels_first"`; by default the global setting.
        format: ignored; part of the signature of Keras.
        verbose: whether to print the number of files.

    Shapes:
        images (batch, height, width, channels) of float32 from 0 to 255 (uint8 with "nearest");
        labels (batch,) of int32, or (batch, classes) or (batch, 1) of float32.

    Returns:
        A Dataset with `class_names` and `file_paths`, or two of them.

    Raises:
        NotADirectoryError: the folder does not exist.
        ValueError: an argument is invalid, or there are no images. When a batch is read: a file is
            not a valid image, or so large that it may be a decompression bomb.
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

    Differences: with the same seed, the files, their split and the order of the first epoch are the
        same as in Keras; the orders of later epochs differ, because those of Keras come from
        TensorFlow. Iterating over the dataset always uses the first order. Batches are NumPy
        arrays; two datasets are a tuple. Pixels may differ by 1 or 2, because Pillow decodes JPEG
        and converts colors to gray differently from TensorFlow. GIF files can be read in all color
        modes. The labels that are passed are not modified.
    """
    options = DirectoryOptions.from_arguments(_NAME, locals())
    if color_mode not in _CHANNELS:
        raise ValueError(
            f"{_NAME}: color_mode must be one of {tuple(_CHANNELS)}. Received: {color_mode!r}"
        )
    interpolation = interpolation.lower()
    if interpolation not in resampling.METHODS:
        known = resampling.METHODS
        raise ValueError(
            f"{_NAME}: interpolation must be one of {known}. {suggest(interpolation, known)}"
        )
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(f"{_NAME}: pass crop_to_aspect_ratio or pad_to_aspect_ratio, not both.")
    check_format(_NAME, format)
    size = _check_size(image_size)
    first = settings.data_format(data_format) == "channels_first"
    import_pillow(_NAME)  # raises ImportError now rather than with the first batch

    decode = ImageDecoder(_CHANNELS[color_mode], _NAME, _KINDS)
    dtype = np.dtype("uint8" if interpolation == "nearest" else "float32")

    def read_image(path: str, out: np.ndarray) -> None:
        x = decode(path)
        if pad_to_aspect_ratio:
            resampling.pad_to_aspect(x, size, interpolation, out)
            return
        x = resampling.crop_to_aspect(x, size) if crop_to_aspect_ratio else x
        resampling.resize_image(x, size, interpolation, out)

    def read(paths: list[str]) -> np.ndarray:
        # Programs read aligned memory without a copy.
        images = empty_aligned((len(paths), *size, _CHANNELS[color_mode]), dtype)
        run_in_threads(read_image, zip(paths, images, strict=True))
        return images.transpose(0, 3, 1, 2) if first else images

    return make_datasets(options, _ENDINGS, read)


def _check_size(size: int | Sequence[int]) -> tuple[int, int]:
    pair = (size, size) if isinstance(size, (int, np.integer)) else size
    if (
        not isinstance(pair, (tuple, list))
        or len(pair) != 2
        or not all(isinstance(n, (int, np.integer)) and n > 0 for n in pair)
    ):
        raise ValueError(
            f"{_NAME}: image_size must be (height, width) or one positive integer. "
            f"Received: {size!r}"
        )
    return int(pair[0]), int(pair[1])
