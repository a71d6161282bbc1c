"""Utilities that Keras 1 and Keras 2 have in common."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.dialects.renaming import rename_arguments

__all__ = ["HDF5Matrix", "has_arg", "to_categorical"]


class HDF5Matrix:
    """A part of a data set in an HDF5 file, which can be indexed like an array.

    Args:
        datapath: the file.
        dataset: the name of the data set.
        start, end: the first row and the row after the last one.
        normalizer: a function of the rows that are read.
    """

    def __init__(
        self,
        datapath: Any,
        dataset: str,
        start: int = 0,
        end: int | None = None,
        normalizer: Callable[[Any], Any] | None = None,
    ) -> None:
        import h5py

        self._file = h5py.File(datapath, "r")
        self.data = self._file[dataset]
        self.start = start
        self.end = self.data.shape[0] if end is None else end
        self.normalizer = normalizer

    def __len__(self) -> int:
        return self.end - self.start

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            first, last, step = key.indices(len(self))
            rows = self.data[first + self.start : last + self.start : step]
        elif isinstance(key, (int, np.integer)):
            rows = self.data[key + self.start]
        else:
            # HDF5 reads increasing indices only.
            wanted, inverse = np.unique(np.asarray(key), return_inverse=True)
            rows = self.data[(wanted + self.start).tolist()][inverse]
        return rows if self.normalizer is None else self.normalizer(rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape, with the number of rows of the part."""
        return (len(self), *self.data.shape[1:])

    @property
    def dtype(self) -> Any:
        """The dtype of the data set."""
        return self.data.dtype

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return int(self.data.ndim)

    @property
    def size(self) -> int:
        """The number of elements."""
        return int(np.prod(self.shape))


def to_categorical(
    y: Any, num_classes: int | None = None, dtype: str = "float32", **kwargs: Any
) -> np.ndarray:
    """Converts integer labels to one-hot rows.

    Args:
        y: labels from 0; a last axis of size 1 is dropped.
        num_classes: the number of classes; by default the largest label + 1.
        dtype: that of the result.
        **kwargs: `nb_classes` of Keras 1.

    Example:

    >>> to_categorical([0, 2], 3).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    given = rename_arguments("to_categorical", kwargs, {"nb_classes": "num_classes"})
    num_classes = given.get("num_classes", num_classes)
    labels = np.array(y, dtype="int")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    labels = labels.ravel()
    rows = np.eye(num_classes or int(labels.max()) + 1, dtype=dtype)[labels]
    return np.reshape(rows, (*shape, -1))


def has_arg(fn: Callable[..., Any], name: str, accept_all: bool = False) -> bool:
    """Tells whether a function can be called with a keyword argument.

    Args:
        fn: the function.
        name: the argument.
        accept_all: whether `**kwargs` counts.
    """
    parameters = inspect.signature(fn).parameters
    if accept_all and any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return True
    found = parameters.get(name)
    return found is not None and found.kind in (found.POSITIONAL_OR_KEYWORD, found.KEYWORD_ONLY)
