"""Encodings of indices: integers, one-hot, multi-hot and counts."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.sparse import encoding
from cornu.types import DTypeLike, ShapeLike

__all__ = ["MODES", "encode", "encoded_shape", "mark_one_hot"]

MODES = ("int", "one_hot", "multi_hot", "count")


def encode(
    indices: Any,
    mode: str,
    depth: int,
    dtype: DTypeLike,
    weights: Any = None,
    sparse: bool = False,
) -> Any:
    """Encodes indices; a NumPy array is encoded on the host.

    Args:
        indices: integers (...); those outside of 0 to `depth - 1` are ignored.
        mode: `"int"`: the indices; `"one_hot"`: a vector for each index; `"multi_hot"`: a vector
            for the indices along the last axis, with 1 for those that occur; `"count"`: the same
            with the number of their occurrences.
        depth: the size of a vector.
        dtype: the dtype of the result.
        weights: the weight of each index for `"count"`, in the shape of `indices`.
        sparse: whether vectors are a BCOO, a sparse array of JAX.

    Example:

    >>> encode(np.array([[1, 1, 2]]), "count", 3, "int32").tolist()
    [[0, 2, 1]]
    """
    xp = np if isinstance(indices, np.ndarray) else jnp
    if mode == "int":
        return indices.astype(dtype)
    if mode == "one_hot":
        if indices.ndim > 1 and indices.shape[-1] == 1:
            # Outside of compiled functions, indexing takes JAX a millisecond.
            indices = xp.squeeze(indices, -1)
        if sparse:
            return encoding.one_hot(indices, depth, dtype=dtype)
        return _one_hot(indices, depth, dtype)
    if indices.ndim == 0:
        indices = indices[None]
    if sparse:
        axis = indices.ndim - 1
        encoded = encoding.one_hot(indices, depth, dtype=dtype)
        if mode == "multi_hot":
            return encoding.mark_members(encoded, axis, dtype)
        return encoding.count_members(encoded, axis, weights)
    lead = indices.shape[:-1]
    if mode == "multi_hot" and indices.shape[-1] == 1:
        return _one_hot(xp.squeeze(indices, -1), depth, dtype)
    rows = indices.reshape(math.prod(lead), indices.shape[-1])
    # Half precision cannot count beyond 256 (bfloat16) or 2048 (float16).
    wide = "int32" if weights is None else jnp.promote_types(weights.dtype, "float32")
    amounts = xp.ones(rows.shape, wide) if weights is None else weights.reshape(rows.shape)
    amounts = amounts.astype(wide)
    # Ignored indices are counted in an extra column, which is removed below.
    rows = xp.where((rows >= 0) & (rows < depth), rows, depth)
    counts: Any
    if xp is np:
        counts = np.zeros((len(rows), depth + 1), wide)
        # `counts[...] += amounts` would count a repeated index only once.
        np.add.at(counts, (np.arange(len(rows))[:, None], rows), amounts)
    else:
        empty = jnp.zeros(depth + 1, amounts.dtype)
        counts = jax.vmap(lambda row, amount: empty.at[row].add(amount))(rows, amounts)
    counts = counts[:, :depth]
    if mode == "multi_hot":
        counts = xp.minimum(counts, 1)
    return counts.astype(dtype).reshape(*lead, depth)


def _one_hot(indices: Any, depth: int, dtype: DTypeLike) -> Any:
    if not isinstance(indices, np.ndarray):
        return (jnp.expand_dims(indices, -1) == jnp.arange(depth)).astype(dtype)
    flat = indices.ravel()
    vectors = np.zeros((flat.size, depth), dtype)
    rows = np.flatnonzero((flat >= 0) & (flat < depth))
    vectors[rows, flat[rows]] = 1
    return vectors.reshape(*indices.shape, depth)


def mark_one_hot(vectors: np.ndarray, start: int, depth: int, indices: np.ndarray) -> None:
    """Adds one-hot vectors to rows of zeros; indices outside of 0 to `depth - 1` are ignored.

    Args:
        vectors: contiguous rows (rows, columns).
        start: the column of index 0.
        depth: the size of the one-hot vectors.
        indices: an index for each row (rows,), of int32.

    Example:

    >>> rows = np.zeros((2, 4))
    >>> mark_one_hot(rows, 1, 2, np.array([1, 5], "int32"))
    >>> rows.tolist()
    [[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]
    """
    positions = indices + np.arange(start, vectors.size + start, vectors.shape[1])
    # Negative indices are large as unsigned integers.
    unsigned = indices.view(np.uint32)
    if indices.size and unsigned.max() >= depth:
        positions = positions[unsigned < depth]
    vectors.reshape(-1)[positions] = 1


def encoded_shape(shape: ShapeLike, mode: str, depth: int | None) -> tuple[int | None, ...]:
    """Returns the shape of the result of `encode`.

    Example:

    >>> encoded_shape((None, 1), "one_hot", 4), encoded_shape((None, 3), "count", 4)
    ((None, 4), (None, 4))
    """
    sizes = tuple(shape)
    if mode == "int":
        return sizes
    if mode == "one_hot":
        return (*(sizes[:-1] if len(sizes) > 1 and sizes[-1] == 1 else sizes), depth)
    return (*sizes[:-1], depth)
