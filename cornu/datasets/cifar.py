"""The format of CIFAR-10 and CIFAR-100: pickled dicts of images and labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cornu import settings
from cornu.datasets.files import Split
from cornu.datasets.pickled_arrays import load_pickle

__all__ = ["load_batch", "to_split"]


def load_batch(path: Path, rows: int, label_key: str) -> tuple[np.ndarray, np.ndarray]:
    """Loads images of shape (rows, 3, 32, 32) and labels of shape (rows, 1), both uint8.

    Raises:
        ValueError: the file has other contents.
    """
    content = load_pickle(path)
    images, labels = content.get("data"), content.get(label_key)
    if (
        not isinstance(images, np.ndarray)
        or (images.shape, images.dtype) != ((rows, 3 * 32 * 32), np.uint8)
        or not isinstance(labels, list)
        or len(labels) != rows
        or not all(isinstance(label, int) and 0 <= label < 256 for label in labels)
    ):
        raise ValueError(
            f"{str(path)!r} is not a file of CIFAR with {rows} images. "
            "Delete its folder to extract the archive again."
        )
    return images.reshape(rows, 3, 32, 32), np.array(labels, np.uint8)[:, None]


def to_split(
    x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, y_test: np.ndarray
) -> Split:
    """Returns the images with axes in the order of `image_data_format()`, and the labels."""
    if settings.get("image_data_format") == "channels_last":
        x_train, x_test = (x.transpose(0, 2, 3, 1) for x in (x_train, x_test))
    return (x_train, y_train), (x_test, y_test)
