"""A Dataset of the text files in a folder."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.data.readers.dataset import Dataset
from cornu.data.readers.directories import Wish, datasets

__all__ = ["text_dataset_from_directory"]

_WHO = "text_dataset_from_directory"


def text_dataset_from_directory(
    directory: Any,
    labels: Any = "inferred",
    label_mode: str | None = "int",
    class_names: Any = None,
    batch_size: int | None = 32,
    max_length: int | None = None,
    shuffle: bool = True,
    seed: int | None = None,
    validation_split: float | None = None,
    subset: str | None = None,
    follow_links: bool = False,
    format: str = "tf",
    verbose: bool = True,
) -> Dataset | tuple[Dataset, Dataset]:
    """Returns batches of the texts in a folder (files `.txt`), in which each class has a folder.

    Args:
        directory: the folder.
        labels: `"inferred"` from the names of the folders in it; None; or one number for each
            file, in the order of their sorted paths.
        label_mode: `"int"`, `"categorical"` (one-hot), `"binary"` (0.0 or 1.0) or None.
        class_names: the folders to read, in the order of their numbers; by default all, sorted.
        batch_size: texts of a batch; with None each text is an item without batch axis.
        max_length: characters after which a text is cut off.
        shuffle: whether files are in random order, a new one in each epoch of `fit`.
        seed: of the order.
        validation_split: the part of the files, from the end, that is kept for validation.
        subset: `"training"`, `"validation"` or `"both"`, which returns two datasets.
        follow_links: whether folders are read to which there are links.
        format: kept for the signature; there is one kind of result.
        verbose: whether to say how many files there are.

    Shapes:
        texts (batch,) of Python strings;
        labels (batch,) of int32, or (batch, classes) or (batch, 1) of float32.

    Returns:
        A Dataset with `class_names` and `file_paths`, or two of them. Models take numbers: apply
        what turns texts into numbers with `map`.

    Raises:
        NotADirectoryError: there is no such folder.
        ValueError: an argument is not right, or there are no texts. When a batch is made: a file
            is not UTF-8; the file is named.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, text in (("bad", "never again"), ("good", "lovely")):
    ...     (folder / name).mkdir()
    ...     _ = (folder / name / "1.txt").write_text(text)
    >>> data = text_dataset_from_directory(folder, shuffle=False)
    Found 2 files belonging to 2 classes.
    >>> list(data)
    [(array(['never again', 'lovely'], dtype=object), array([0, 1], dtype=int32))]

    Differences: texts are Python strings; in Keras they are TensorFlow's, and `max_length` counts
        bytes. Files, split and orders are as in `image_dataset_from_directory`.
    """
    if max_length is not None and (not isinstance(max_length, int) or max_length < 1):
        raise ValueError(
            f"{_WHO}: max_length is an integer from 1 on, or None. Received: {max_length!r}"
        )
    if format not in ("tf", "grain"):
        raise ValueError(f"{_WHO}: format is 'tf' or 'grain'. Received: {format!r}")

    def read(paths: list[str]) -> np.ndarray:
        texts = np.empty(len(paths), object)
        texts[:] = [_text(path)[:max_length] for path in paths]
        return texts

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
    return datasets(wish, (".txt",), read, workers=1)


def _text(path: str) -> str:
    with open(path, "rb") as file:
        data = file.read()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{_WHO}: {path!r} is not UTF-8: {error.reason} at byte {error.start}.\n"
            "Write it anew in UTF-8, or take it out of the folder."
        ) from error
