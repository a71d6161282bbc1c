"""SparseRows: rows of a sparse array, in arrays that have one row for each row of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

__all__ = ["SparseRows", "round_up"]


class SparseRows:
    """A batch of rows of a sparse array, for data pipelines and compiled steps.

    The entries are stored in the order of the rows, divided evenly among the rows of two arrays:
    an entry need not be stored in its own row. Batches therefore have the same shapes even if a
    few of their rows have many entries, and rows of zeros can be appended as to other arrays.

    Args:
        values: the values of the entries, (rows, width). Entries beyond the last one are 0.
        positions: the index of each entry along each axis plus 1, (rows, width, axes). It is 0
            for values that are not entries, such as those of rows that are appended.
        sizes: the sizes of the axes after the first.
    """

    __slots__ = ("positions", "sizes", "values")

    def __init__(self, values: Any, positions: Any, sizes: tuple[int, ...]) -> None:
        self.values = values
        self.positions = positions
        self.sizes = sizes

    @classmethod
    def from_entries(
        cls, values: np.ndarray, positions: np.ndarray, shape: tuple[int, ...], width: int = 0
    ) -> SparseRows:
        """Returns the rows of an array with some entries.

        Args:
            values: the values, (entries,).
            positions: the indices, (entries, axes).
            shape: the shape of the array.
            width: the least number of entries for each row; more are used if it does not suffice.
        """
        rows, axes = shape[0], len(shape)
        width = max(width, round_up(-(-len(values) // max(rows, 1))))
        stored = np.zeros(rows * width, values.dtype)
        stored[: len(values)] = values
        shifted = np.zeros((rows * width, axes), "int32")
        shifted[: len(positions)] = positions
        shifted[: len(positions)] += 1
        return cls(stored.reshape(rows, width), shifted.reshape(rows, width, axes), shape[1:])

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array."""
        return (self.values.shape[0], *self.sizes)

    @property
    def ndim(self) -> int:
        """The number of axes of the array."""
        return 1 + len(self.sizes)

    @property
    def dtype(self) -> Any:
        """The dtype of the array."""
        return self.values.dtype

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def astype(self, dtype: Any) -> SparseRows:
        """Returns the rows with another dtype."""
        return SparseRows(self.values.astype(dtype), self.positions, self.sizes)

    def to_bcoo(self) -> Any:
        """Returns the array in JAX's format BCOO."""
        from jax.experimental import sparse

        rows, width = self.values.shape
        entries = self.values.reshape(rows * width)
        shifted = self.positions.reshape(rows * width, self.ndim)
        # JAX ignores entries outside of the array.
        indices = jnp.where(shifted == 0, np.array(self.shape, "int32"), shifted - 1)
        return sparse.BCOO((entries, indices), shape=self.shape)

    def __repr__(self) -> str:
        return f"SparseRows({self.dtype}, shape={self.shape}, entries={self.values.size})"


def round_up(width: int) -> int:
    """Returns the next number of 1, 2, 3, 4, 6, 8, 12, 16 ...

    Batches with about as many entries then have equal shapes, and use the same program.
    """
    power = 1 << max(width - 1, 0).bit_length()
    return power * 3 // 4 if power >= 4 and width <= power * 3 // 4 else power


def _flatten(rows: SparseRows) -> tuple[list[tuple[Any, Any]], tuple[int, ...]]:
    keys = jax.tree_util.GetAttrKey("values"), jax.tree_util.GetAttrKey("positions")
    return list(zip(keys, (rows.values, rows.positions), strict=True)), rows.sizes


def _unflatten(sizes: tuple[int, ...], arrays: Iterable[Any]) -> SparseRows:
    values, positions = arrays
    return SparseRows(values, positions, sizes)


jax.tree_util.register_pytree_with_keys(SparseRows, _flatten, _unflatten)
