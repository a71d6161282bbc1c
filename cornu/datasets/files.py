"""The files of the datasets: their URLs and hashes, and the cache that Keras uses as well."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

from cornu.utils.downloads import get_file

__all__ = [
    "DatasetPath",
    "Split",
    "check_test_split",
    "fetch",
    "load_arrays",
    "load_word_index",
    "shuffled_order",
    "split_rows",
]

DatasetPath = str | os.PathLike[str]
"""The path of a dataset's file: absolute, or relative to the folder `datasets` of the cache."""

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""`(x_train, y_train), (x_test, y_test)`"""

_KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_TORONTO = "https://www.cs.toronto.edu/~kriz/"

# Fashion-MNIST has no hash in Keras either; its reader checks the header and size of each file.
_FILES: dict[str, tuple[str, str | None]] = {
    "mnist.npz": (_KERAS, "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),
    "train-images-idx3-ubyte.gz": (_KERAS, None),
    "train-labels-idx1-ubyte.gz": (_KERAS, None),
    "t10k-images-idx3-ubyte.gz": (_KERAS, None),
    "t10k-labels-idx1-ubyte.gz": (_KERAS, None),
    "cifar-10-python.tar.gz": (
        _TORONTO,
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    "cifar-100-python.tar.gz": (
        _TORONTO,
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
    "imdb.npz": (_KERAS, "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"),
    "imdb_word_index.json": (_KERAS, "bfafd718b763782e994055a2d397834f"),
    "reuters.npz": (_KERAS, "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"),
    "reuters_word_index.json": (_KERAS, "4d44cc38712099c9e383dc6e5f11a921"),
    "boston_housing.npz": (
        _KERAS,
        "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5",
    ),
    "california_housing.npz": (
        _KERAS,
        "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f",
    ),
}


def fetch(
    file: str,
    path: DatasetPath | None = None,
    folder: str = "datasets",
    extract: bool = False,
) -> Path:
    """Returns the path of a dataset's file in the cache; downloads the file if it is missing.

    Args:
        file: the name in the table of files.
        path: where the file is stored; by default `file`.
        folder: the subfolder of the cache.
        extract: whether `file` is an archive; then `path` is the folder to extract it to.

    Raises:
        OSError: the file is missing and cannot be downloaded.
        ValueError: the downloaded file does not have the expected hash.
    """
    origin, digits = _FILES[file]
    target = Path(folder, file if path is None else path)
    return Path(
        get_file(
            target.name,
            origin + file,
            file_hash=digits,
            cache_subdir=target.parent,
            extract=extract,
        )
    )


def load_arrays(file: str, path: DatasetPath) -> tuple[np.ndarray, np.ndarray]:
    """Loads the arrays `x` and `y` of an .npz file."""
    with np.load(fetch(file, path), allow_pickle=False) as arrays:
        return arrays["x"], arrays["y"]


def load_word_index(file: str, path: DatasetPath) -> dict[str, int]:
    """Loads a JSON file with the index of each word."""
    index: dict[str, int] = json.loads(fetch(file, path).read_text(encoding="utf-8"))
    return index


def split_rows(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> Split:
    """Shuffles rows, and returns the first for training and the last for testing, as Keras does.

    Raises:
        ValueError: `test_split` is not in [0, 1).
    """
    check_test_split(test_split)
    order = shuffled_order(len(x), np.random.RandomState(seed))
    x, y, end = x[order], y[order], int(len(x) * (1 - test_split))
    return (x[:end], y[:end]), (x[end:], y[end:])


def shuffled_order(rows: int, random: np.random.RandomState) -> np.ndarray:
    """Returns the order of rows in which Keras shuffles a dataset."""
    order = np.arange(rows)
    random.shuffle(order)  # not `permutation`, which may draw other numbers
    return order


def check_test_split(test_split: float) -> None:
    """Raises a ValueError if a share of test rows is not in [0, 1)."""
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be in [0, 1). Received: {test_split!r}")
