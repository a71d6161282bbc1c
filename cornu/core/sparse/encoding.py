"""Encodings of indices as sparse arrays."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.types import DTypeLike

__all__ = ["count_members", "mark_members", "one_hot"]


def one_hot(x: Any, depth: Any, axis: int = -1, dtype: DTypeLike = "float32") -> Any:
    """Returns a BCOO that is 1 at the index of each integer along a new axis.

    Args:
        x: integers; those outside of 0 to `depth - 1` give zeros.
        depth: the size of the new axis.
        axis: the position of the new axis.
        dtype: the dtype of the result.
    """
    from jax.experimental import sparse

    x = jnp.asarray(x)
    axis = axis % (x.ndim + 1)
    # JAX ignores entries outside of the array.
    index = jnp.where((x >= 0) & (x < depth), x, depth).astype("int32")
    columns = [jnp.broadcast_to(_steps(x, i), x.shape).reshape(-1) for i in range(x.ndim)]
    columns.insert(axis, index.reshape(-1))
    shape = (*x.shape[:axis], depth, *x.shape[axis:])
    ones = jnp.ones_like(columns[axis], dtype)
    indices = jnp.stack(columns, axis=-1)
    return sparse.BCOO((ones, indices), shape=shape, unique_indices=True)


def _steps(x: Any, axis: int) -> Any:
    """Returns 0, 1, 2 ... along an axis of `x`, in an array that broadcasts to its shape."""
    shape = [1] * x.ndim
    shape[axis] = x.shape[axis]
    return jnp.arange(x.shape[axis], dtype="int32").reshape(shape)


def count_members(encoded: Any, axis: int, weights: Any = None) -> Any:
    """Returns the sum of one-hot vectors along an axis.

    Args:
        encoded: a result of `one_hot`.
        axis: the axis, which is removed.
        weights: the weight of each vector; 1 by default.
    """
    from jax.experimental import sparse

    if weights is not None:
        entries = (jnp.asarray(weights).reshape(-1), encoded.indices)
        encoded = sparse.BCOO(entries, shape=encoded.shape)
    return sparse.bcoo_reduce_sum(encoded, axes=(axis,))


def mark_members(encoded: Any, axis: int, dtype: DTypeLike) -> Any:
    """Returns 1 where any of the one-hot vectors along an axis is 1, else 0."""
    from jax.experimental import sparse

    total = count_members(encoded, axis)
    total = total.sum_duplicates(nse=total.nse, remove_zeros=False)
    marks = ((total.data > 0).astype(dtype), total.indices)
    return sparse.BCOO(marks, shape=total.shape, indices_sorted=True, unique_indices=True)
