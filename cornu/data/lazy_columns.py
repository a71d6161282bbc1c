"""Columns: arrays in files or sparse matrices, of which only the rows of a batch are read."""

from __future__ import annotations

import math
import mmap
from typing import Any

import jax
import numpy as np

from cornu.core.sparse.arrays import is_sparse
from cornu.core.sparse.rows import SparseRows, round_up
from cornu.core.state.dtypes import narrowed
from cornu.deviations import is_enabled
from cornu.foreign import is_a
from cornu.types import DataLike

__all__ = ["Column", "Mapped", "RowsColumn", "Sparse", "Stored", "column_of"]

_SMALL_ROW = 1 << 14  # bytes; reading ahead is useful for larger rows


class Column:
    """An array whose rows are read lazily.

    Args:
        data: the object from which rows are read.
        shape: the shape of `data`.
        dtype: the dtype of the rows.
        rows: the indices in `data` of the rows of this column; all by default.

    Attributes:
        shape, dtype, ndim: as for an array.
    """

    kind = "column"

    def __init__(self, data: DataLike, shape: Any, dtype: Any, rows: Any = None) -> None:
        self._data = data
        self._rows = range(shape[0]) if rows is None else rows
        self.shape = (len(self._rows), *(int(size) for size in shape[1:]))
        self.dtype = np.dtype(dtype)
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: Any) -> Column:
        """Returns the column with a slice or an array of rows, without reading them."""
        if not isinstance(rows, slice):
            rows = np.asarray(rows)
            if rows.dtype == bool:
                rows = np.flatnonzero(rows)
        part = object.__new__(type(self))
        part.__dict__.update(self.__dict__)
        part._rows = _select_rows(self._rows, rows)
        part.shape = (len(part._rows), *self.shape[1:])
        return part

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self.take(np.arange(len(self))), dtype)

    def take(self, positions: np.ndarray) -> Any:
        """Reads the rows with some indices."""
        return narrowed(np.asarray(self._read(np.asarray(_select_rows(self._rows, positions)))))

    def range(self, start: int, stop: int) -> Any:
        """Reads the rows from `start` (inclusive) to `stop` (exclusive)."""
        return self.take(np.arange(start, min(stop, len(self))))

    def spec(self, rows: int) -> Any:
        """Returns the spec of what `take` returns for a number of rows."""
        dtype = jax.dtypes.canonicalize_dtype(self.dtype)
        return jax.ShapeDtypeStruct((rows, *self.shape[1:]), dtype)

    def _read(self, positions: np.ndarray) -> Any:
        raise NotImplementedError


def _select_rows(rows: Any, indices: Any) -> Any:
    if isinstance(rows, range) and not isinstance(indices, slice):
        return rows.start + rows.step * indices
    return rows[indices]


class Mapped(Column):
    """A memory-mapped array, such as `np.memmap`, or `np.load` with `mmap_mode`."""

    kind = "memmap"

    def __init__(self, array: np.ndarray) -> None:
        super().__init__(array, array.shape, array.dtype)

    def _read(self, positions: np.ndarray) -> Any:
        array = self._data.view(np.ndarray)
        if len(positions) and positions[-1] - positions[0] == len(positions) - 1:
            block = array[positions[0] : positions[-1] + 1]
            if np.array_equal(positions, np.arange(positions[0], positions[-1] + 1)):
                self._advise("MADV_NORMAL")
                return block.copy()
        self._advise("MADV_RANDOM")
        return array[positions]

    def _advise(self, order: str) -> None:
        """Advises the operating system about the access pattern, if rows are small.

        By default Linux reads 128 kB around each page, which is wasted for shuffled rows: reading
        a batch of 256 rows of 1 kB from a file of 10 GB took 220 ms, with this advice 1 ms.
        """
        advice = getattr(mmap, order, None)  # not available on Windows
        if not is_enabled("file_advice"):
            return
        if advice is not None and math.prod(self.shape[1:]) * self.dtype.itemsize <= _SMALL_ROW:
            _mapping(self._data).madvise(advice)


class Stored(Column):
    """A dataset in an HDF5 file."""

    kind = "h5py"

    def __init__(self, dataset: DataLike) -> None:
        super().__init__(dataset, dataset.shape, dataset.dtype)

    def _read(self, positions: np.ndarray) -> Any:
        # h5py accepts only increasing indices, each once.
        indices, inverse = np.unique(positions, return_inverse=True)
        if len(indices) and indices[-1] - indices[0] == len(indices) - 1:
            return self._data[int(indices[0]) : int(indices[-1]) + 1][inverse]
        return self._data[indices][inverse]


class Sparse(Column):
    """A sparse matrix of SciPy or JAX; the rows of a batch are converted to dense arrays."""

    kind = "sparse"

    def __init__(self, matrix: Any) -> None:
        matrix = _csr(matrix) if is_a(matrix, "jax", "JAXSparse") else matrix.tocsr()
        super().__init__(matrix, matrix.shape, matrix.dtype)

    def _read(self, positions: np.ndarray) -> Any:
        return self._data[positions].toarray()

    def as_rows(self) -> RowsColumn:
        """Returns the column whose batches are SparseRows instead of dense arrays."""
        column = RowsColumn(self._data)
        column._rows, column.shape = self._rows, self.shape
        return column


class RowsColumn(Sparse):
    """A sparse matrix of which batches are SparseRows."""

    def __init__(self, matrix: Any) -> None:
        super().__init__(matrix)
        # The entries per row of the largest batch so far, also in the parts of this column: equal
        # shapes need one program. A batch of average rows fits at first.
        self._width = [round_up(math.ceil(1.1 * matrix.nnz / max(matrix.shape[0], 1)))]

    def as_rows(self) -> RowsColumn:
        """Returns the column."""
        return self

    def dense(self) -> Sparse:
        """Returns the column whose batches are dense arrays."""
        column = Sparse(self._data)
        column._rows, column.shape = self._rows, self.shape
        return column

    def take(self, positions: np.ndarray) -> Any:
        """Returns the rows with some indices."""
        matrix = self._data[np.asarray(_select_rows(self._rows, positions))]
        matrix.sum_duplicates()
        counts = np.diff(matrix.indptr)
        rows = np.repeat(np.arange(len(counts), dtype="int32"), counts)
        entries = np.stack([rows, matrix.indices.astype("int32")], axis=1)
        found = SparseRows.from_entries(
            narrowed(matrix.data), entries, matrix.shape, self._width[0]
        )
        self._width[0] = found.values.shape[1]
        return found

    def spec(self, rows: int) -> Any:
        """Returns the spec of what `take` returns for a number of rows."""
        dtype = jax.dtypes.canonicalize_dtype(self.dtype)
        entries = (rows, self._width[0])
        return SparseRows(
            jax.ShapeDtypeStruct(entries, dtype),
            jax.ShapeDtypeStruct((*entries, 2), "int32"),
            self.shape[1:],
        )


def _csr(matrix: Any) -> Any:
    """Converts a sparse matrix of JAX, which has no fast access to rows, to one of SciPy."""
    import scipy.sparse

    if is_a(matrix, "jax", "BCSR"):
        matrix = matrix.to_bcoo()
    if not is_a(matrix, "jax", "BCOO") or matrix.n_batch or matrix.n_dense:
        return scipy.sparse.csr_matrix(np.asarray(matrix.todense()))
    positions, values = np.asarray(matrix.indices), np.asarray(matrix.data)
    # JAX pads the entries of a matrix with positions outside of it.
    inside = (positions < np.asarray(matrix.shape)).all(axis=1)
    return scipy.sparse.coo_matrix((values[inside], positions[inside].T), matrix.shape).tocsr()


def column_of(x: DataLike) -> Column | None:
    """Returns a Column for memory-mapped arrays, HDF5 datasets and sparse matrices, else None."""
    if isinstance(x, Column):
        return x
    if isinstance(x, np.ndarray):
        return Mapped(x) if _mapping(x) is not None and x.ndim and x.dtype.kind in "biufc" else None
    if is_a(x, "h5py", "Dataset") and x.ndim and x.dtype.kind in "biuf":
        return Stored(x)
    if is_sparse(x) and not isinstance(x, SparseRows):
        if x.ndim != 2:
            raise ValueError(
                f"A sparse array must have two axes, rows and columns. Received shape {x.shape}."
            )
        return Sparse(x)
    return None


def _mapping(array: Any) -> Any:
    """Returns the memory map that contains an array, or None."""
    while isinstance(array, np.ndarray):
        if isinstance(array, np.memmap):
            return array._mmap  # type: ignore[attr-defined]
        array = array.base
    return None
