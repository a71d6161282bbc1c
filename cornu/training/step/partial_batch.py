"""Padding of partial batches to the size of full ones, so that they use the same program."""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.core.sparse.rows import SparseRows
from cornu.data import Arrays, Stream
from cornu.types import Batch, DataLike

__all__ = ["BatchPadder", "divisible_size", "pad_batch", "round_up"]


class BatchPadder:
    """Determines the number of rows to which batches are padded.

    Args:
        source: the data. If the last batch of arrays is partial, all batches are treated as
            padded to the batch size, as for data on the device. Batches of a stream are padded
            to the size of the largest batch so far.
        multiple: the number of parts into which batches are divided, which padded batches are a
            multiple of.
    """

    def __init__(self, source: Arrays | Stream, multiple: int = 1) -> None:
        self._fixed: int | None = None
        self._multiple = multiple
        if isinstance(source, Arrays):
            full = round_up(source.batch_size, multiple)
            if source.has_partial_batch or full != source.batch_size:
                self._fixed = full
        self._known = isinstance(source, Arrays)
        self._largest: dict[Any, int] = {}
        self._last: tuple[Any, int | None] = (None, None)
        if isinstance(source, Stream):  # a resumed epoch may start with a partial batch
            self.size(source.example())

    def size(self, batch: Batch) -> int | None:
        """Returns the number of rows that a batch is padded to, or None if it is not padded."""
        if self._known:
            return self._fixed
        signature = tree.signature(batch)
        if signature != self._last[0]:  # most batches have the same shapes
            self._last = (signature, self._size(batch))
        return self._last[1]

    def _size(self, batch: Batch) -> int | None:
        leaves, definition = jax.tree_util.tree_flatten(batch)
        if not all(leaf.ndim for leaf in leaves):  # a custom step may take numbers
            return None
        rows = leaves[0].shape[0]
        dtypes = (jax.dtypes.canonicalize_dtype(leaf.dtype) for leaf in leaves)
        rest = (definition, *((x.shape[1:], d) for x, d in zip(leaves, dtypes, strict=True)))
        largest = max(round_up(rows, self._multiple), self._largest.get(rest, 0))
        self._largest[rest] = largest
        return largest if rows < largest else None


def divisible_size(batch: Batch, multiple: int) -> int | None:
    """Returns the rows to which a batch is padded to be a multiple; None if it is one already."""
    leaves = jax.tree_util.tree_leaves(batch)
    if not leaves or not all(leaf.ndim for leaf in leaves):
        return None
    rows = leaves[0].shape[0]
    size = round_up(rows, multiple)
    return size if size != rows else None


def round_up(rows: int, multiple: int) -> int:
    """Returns the smallest multiple that is at least `rows`."""
    return -(-rows // multiple) * multiple


def pad_batch(batch: Batch, size: int | None) -> tuple[Any, Any]:
    """Pads a batch to `size` rows; returns it with a vector that is 0 for rows of padding, else 1.

    The last row is repeated. With zeros, a sequence could be masked as a whole, whose mean is NaN;
    the gradients of the weights would then be NaN as well.

    Example:

    >>> pad_batch(np.array([3, 4]), 3)
    (array([3, 4, 4]), array([1., 1., 0.], dtype=float32))
    """
    if size is None:
        return batch, None
    rows = jax.tree_util.tree_leaves(batch)[0].shape[0]
    real = (np.arange(size) < rows).astype("float32")
    is_whole = lambda x: isinstance(x, SparseRows)  # noqa: E731
    return jax.tree_util.tree_map(lambda x: _pad_rows(x, size), batch, is_leaf=is_whole), real


def _pad_rows(x: DataLike, size: int) -> Any:
    if isinstance(x, SparseRows):  # whose rows hold entries of any row: the last would count again
        return jax.tree_util.tree_map(lambda part: _append(part, size, "constant"), x)
    return _append(x, size, "edge" if x.shape[0] else "constant")


def _append(x: DataLike, size: int, mode: Literal["edge", "constant"]) -> Any:
    numbers = np if isinstance(x, np.ndarray) else jnp
    return numbers.pad(x, [(0, size - x.shape[0]), *[(0, 0)] * (x.ndim - 1)], mode=mode)
