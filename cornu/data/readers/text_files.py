"""Reads the text files of a folder as a Dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data.readers.dataset import Dataset
from cornu.data.readers.directories import (
    DirectoryOptions,
    LabelMode,
    Labels,
    Subset,
    check_format,
    check_limit,
    make_datasets,
)

__all__ = ["text_dataset_from_directory"]

_NAME = "text_dataset_from_directory"


@api_boundary
def text_dataset_from_directory(
    directory: str | os.PathLike[str],
    labels: Labels = "inferred",
    label_mode: LabelMode = "int",
    class_names: Sequence[str] | None = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: Subset = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns a Dataset of the text files (`.txt`) in a folder, with one subfolder per class.

    Args:
        directory: the folder.
        labels: `"inferred"` from the names of the subfolders; None; or a number for each file,
            in the order of their sorted paths.
        label_mode: `"int"`, `"categorical"` (one-hot), `"binary"` (0.0 or 1.0) or None.
        class_names: the subfolders to read, in the order of class indices; by default all, sorted.
        batch_size: the batch size; with None, each element is one text without batch axis.
        max_length: the number of characters to which texts are truncated.
        shuffle: whether to shuffle the files, in a new order in each epoch of `fit`.
        seed: the seed of the order.
        validation_split: the fraction of the files that is reserved for validation, taken from
            the end.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        follow_links: whether to follow symbolic links to folders.
        format: ignored; part of the signature of Keras.
        verbose: whether to print the number of files.

    Shapes:
        texts (batch,) of Python strings;
        labels (batch,) of int32, or (batch, classes) or (batch, 1) of float32.

    Returns:
        A Dataset with `class_names` and `file_paths`, or two of them. Use `map` to convert texts
        to numbers.

    Raises:
        NotADirectoryError: the folder does not exist.
        ValueError: an argument is invalid, or there are no texts. When a batch is read: a file is
            not UTF-8.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, text in (("bad", "never again"), ("good", "lovely")):
    ...     (folder / name).mkdir()
    ...     _ = (folder / name / "1.txt").write_text(text)
    >>> data = text_dataset_from_directory(folder, shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> list(data)
    [(BatchArray(['never again', 'lovely'], dtype=object), BatchArray([0, 1], dtype=int32))]

    Differences: texts are Python strings. In Keras they are string tensors of TensorFlow, and
        `max_length` counts bytes. For files, split and orders see `image_dataset_from_directory`.
    """
    options = DirectoryOptions.from_arguments(_NAME, locals())
    check_limit(_NAME, "max_length", max_length)
    check_format(_NAME, format)

    def read(paths: list[str]) -> np.ndarray:
        texts = np.empty(len(paths), object)
        texts[:] = [_read_text(path)[:max_length] for path in paths]
        return texts

    return make_datasets(options, (".txt",), read, workers=1)


def _read_text(path: str) -> str:
    with open(path, "rb", buffering=0) as file:  # a buffer would be another copy
        data = file.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{_NAME}: {path!r} is not UTF-8: {error.reason} at byte {error.start}.\n"
            "Convert it to UTF-8, or remove it from the folder."
        ) from error
