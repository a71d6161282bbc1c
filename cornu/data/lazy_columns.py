"""Columns: arrays of which only the rows of a batch are read, from files or sparse matrices."""

from __future__ import annotations

import math
import mmap
from typing import Any

import jax
import numpy as np

from cornu.data.foreign_types import is_a
from cornu.deviations import is_enabled

__all__ = ["Column", "Mapped", "Sparse", "Stored", "column_of", "narrowed"]

_SMALL = 1 << 14  # bytes of a row; larger ones are worth reading ahead


class Column:
    """Rows that are read when a batch needs them.

    Args:
        data: what the rows are read from.
        shape: of all rows.
        dtype: of the rows.
        rows: the positions in `data` of the rows that belong to it; all by default.

    Attributes:
        shape, dtype, ndim: as of an array.
    """

    kind = "column"

    def __init__(self, data: Any, shape: Any, dtype: Any, rows: Any = None) -> None:
        self._data = data
        self._rows = range(shape[0]) if rows is None else rows
        self.shape = (len(self._rows), *(int(size) for size in shape[1:]))
        self.dtype = np.dtype(dtype)
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Column:
        """Returns the column of some rows, a slice or positions; reads nothing."""
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            if rows.dtype == bool:
                rows = np.flatnonzero(rows)
        part = object.__new__(type(self))
        part.__dict__.update(self.__dict__)
        part._rows = _chosen(self._rows, rows)
        part.shape = (len(part._rows), *self.shape[1:])
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.take(np.arange(len(self))), dtype)

    def take(self, positions: np.ndarray) -> np.ndarray:
        """Reads some rows."""
        return narrowed(np.asarray(self._read(np.asarray(_chosen(self._rows, positions)))))

    def range(self, start: int, stop: int) -> np.ndarray:
        """Reads the rows from `start` to before `stop`."""
        return self.take(np.arange(start, min(stop, len(self))))

    def _read(self, positions: np.ndarray) -> Any:
        raise NotImplementedError


def _chosen(rows: Any, wanted: Any) -> Any:
    if isinstance(rows, range) and not isinstance(wanted, slice):
        return rows.start + rows.step * wanted
    return rows[wanted]


class Mapped(Column):
    """An array that lies in a file, such as `np.memmap`, or `np.load` with `mmap_mode`."""

    kind = "memmap"

    def __init__(self, array: np.ndarray) -> None:
        super().__init__(array, array.shape, array.dtype)

    def _read(self, positions: np.ndarray) -> Any:
        array = self._data.view(np.ndarray)
        if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
            block = array[positions[0] : positions[-1] + 1]
            if np.array_equal(positions, np.arange(positions[0], positions[-1] + 1)):
                self._expect("MADV_NORMAL")
                return block.copy()
        self._expect("MADV_RANDOM")
        return array[positions]

    def _expect(self, order: str) -> None:
        """Tells the system in which order rows are read, if they are small.

        Around a page that is read it reads ahead, 128 kB by default, which nobody wants of a
        shuffled file: a batch of 256 rows of 1 kB from one of 10 GB took 220 ms, and so takes 1.
        """
        advice = getattr(mmap, order, None)  # Windows has none
        if not is_enabled("file_advice"):
            return
        if advice is not None and math.prod(self.shape[1:]) * self.dtype.itemsize <= _SMALL:
            _mapping(self._data).madvise(advice)


class Stored(Column):
    """A dataset in an HDF5 file."""

    kind = "h5py"

    def __init__(self, dataset: Any) -> None:
        super().__init__(dataset, dataset.shape, dataset.dtype)

    def _read(self, positions: np.ndarray) -> Any:
        wanted, places = np.unique(positions, return_inverse=True)
        if len(wanted) and wanted[-1] - wanted[0] == len(wanted) - 1:
            return self._data[int(wanted[0]) : int(wanted[-1]) + 1][places]
        return self._data[wanted][places]


class Sparse(Column):
    """A sparse matrix of scipy, of which the rows of a batch are made dense."""

    kind = "sparse"

    def __init__(self, matrix: Any) -> None:
        matrix = matrix.tocsr()
        super().__init__(matrix, matrix.shape, matrix.dtype)

    def _read(self, positions: np.ndarray) -> Any:
        return self._data[positions].toarray()


def column_of(x: Any) -> Column | None:
    """Returns what is read by rows as a Column; None for what is not."""
    if isinstance(x, Column):
        return x
    if isinstance(x, np.ndarray):
        return Mapped(x) if _mapping(x) is not None and x.ndim and x.dtype.kind in "biufc" else None
    if is_a(x, "h5py", "Dataset") and x.ndim and x.dtype.kind in "biuf":
        return Stored(x)
    if is_a(x, "scipy", "spmatrix", "sparray"):
        if x.ndim != 2:
            raise ValueError(
                f"A sparse array of shape {x.shape} has not two axes: rows and columns."
            )
        return Sparse(x)
    return None


def _mapping(array: Any) -> Any:
    """Returns the map of the file that an array lies in, None if it lies in none."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return array._mmap  # type: ignore[attr-defined]
        array = array.base
    return None


def narrowed(array: np.ndarray) -> np.ndarray:
    """Returns float64 as float32, unless JAX computes with 64 bits; in the machine's byte order."""
    if array.dtype == np.float64 and not jax.config.jax_enable_x64:  # type: ignore[attr-defined]
        return array.astype("float32")
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))
