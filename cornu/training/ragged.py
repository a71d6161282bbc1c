"""Ragged: a batch with fewer rows than the others, filled up so that their program serves it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import tree
from cornu.data import Arrays, Stream

__all__ = ["Filling", "filled"]


class Filling:
    """Says how many rows the batches of an epoch are to have.

    Args:
        source: the data. Of arrays the batch size is known, and a ragged last batch counts for
            all, as where the data lies on the device; of a stream the first batch is, and what
            came before.
    """

    def __init__(self, source: Arrays | Stream) -> None:
        self._fixed = source.batch_size if isinstance(source, Arrays) and source.ragged else None
        self._known = isinstance(source, Arrays)
        self._largest: dict[Any, int] = {}
        self._last: tuple[Any, int | None] = (None, None)
        if isinstance(source, Stream):  # an epoch that is resumed may begin with its last batch
            self.size(source.example())

    def size(self, batch: Any) -> int | None:
        """Returns the number of rows to fill a batch up to, or None if it is to stay as it is."""
        if self._known:
            return self._fixed
        signature = tree.signature(batch)
        if signature != self._last[0]:  # most batches are like the one before
            self._last = (signature, self._size(batch))
        return self._last[1]

    def _size(self, batch: Any) -> int | None:
        leaves, definition = jax.tree_util.tree_flatten(batch)
        rows = leaves[0].shape[0]
        dtypes = (jax.dtypes.canonicalize_dtype(leaf.dtype) for leaf in leaves)
        rest = (definition, *((x.shape[1:], d) for x, d in zip(leaves, dtypes, strict=True)))
        largest = self._largest[rest] = max(rows, self._largest.get(rest, 0))
        return largest if rows < largest else None


def filled(batch: Any, size: int | None) -> tuple[Any, Any]:
    """Returns a batch of `size` rows, and which of these are real: 1.0 or 0.0 for each.

    Example:

    >>> filled(np.array([3, 4]), 3)
    (array([3, 4, 0]), array([1., 1., 0.], dtype=float32))
    """
    if size is None:
        return batch, None
    rows = jax.tree_util.tree_leaves(batch)[0].shape[0]
    real = (np.arange(size) < rows).astype("float32")
    return jax.tree_util.tree_map(lambda x: _longer(x, size), batch), real


def _longer(x: Any, size: int) -> Any:
    numbers = np if isinstance(x, np.ndarray) else jnp
    return numbers.pad(x, [(0, size - x.shape[0]), *[(0, 0)] * (x.ndim - 1)])
