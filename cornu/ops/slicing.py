"""Parts of arrays: the largest elements, slices and scattered updates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from cornu.ops._table import define

__all__ = [
    "in_top_k",
    "scatter",
    "scatter_update",
    "slice",
    "slice_update",
    "top_k",
    "unstack",
]


@define
def unstack(x: Array, num: int | None = None, axis: int = 0) -> list[Array]:
    """The slices along an axis, as a list of arrays without that axis.

    Args:
        x: an array.
        num: how many there are, if it is known; it is checked.
        axis: the axis.
    """
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num={num}, but axis {axis} has the size {x.shape[axis]}.")
    return [jax.lax.index_in_dim(x, i, axis, keepdims=False) for i in range(x.shape[axis])]


@define
def top_k(x: Array, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest elements along the last axis, and their indices.

    Args:
        x: an array of shape (..., size).
        k: how many.
        sorted: whether the largest comes first; it always does.
    """
    return tuple(jax.lax.top_k(x, k))


@define
def in_top_k(targets: Array, predictions: Array, k: int) -> Array:
    """Whether the score of each target class is among the k highest.

    A class counts if fewer than k others have a higher score; a NaN is never among them.

    Args:
        targets: class indices, of shape (batch,).
        predictions: scores, of shape (batch, classes).
        k: how many.
    """
    scores = jnp.take_along_axis(predictions, targets[..., None], axis=-1)
    scores = jnp.where(jnp.isnan(scores), -jnp.inf, scores)
    return jnp.sum(predictions > scores, axis=-1) < k


@define
def scatter(indices: Array, values: Array, shape: Any) -> Array:
    """Zeros, with values added at some places.

    Args:
        indices: the places, of shape (n, number of axes that are indexed).
        values: the values, of shape (n, ...). Where a place occurs twice, they add up.
        shape: the shape of the result.
    """
    return jnp.zeros(shape, values.dtype).at[tuple(jnp.moveaxis(indices, -1, 0))].add(values)


_WRITE = {"add": "add", "max": "max", "min": "min", "mul": "multiply", None: "set"}


@define
def scatter_update(
    inputs: Array, indices: Array, updates: Array, reduction: str | None = None
) -> Array:
    """The array with other values at some places.

    Args:
        inputs: an array.
        indices: the places, of shape (n, number of axes that are indexed).
        updates: the values, of shape (n, ...).
        reduction: how an update is combined with what is there: `"add"`, `"max"`, `"min"`,
            `"mul"`; None puts it in its place.
    """
    if reduction not in _WRITE:
        raise ValueError(
            "scatter_update: reduction is 'add', 'max', 'min', 'mul' or None. "
            f"Received: {reduction!r}"
        )
    place = inputs.at[tuple(jnp.moveaxis(indices, -1, 0))]
    return getattr(place, _WRITE[reduction])(updates)


@define
def slice(inputs: Array, start_indices: Any, shape: Any) -> Array:
    """The part of a shape that begins at some indices.

    Args:
        inputs: an array.
        start_indices: one index per axis; they may be computed.
        shape: one size per axis; -1 for all that is left.
    """
    sizes = [
        inputs.shape[i] - start_indices[i] if size == -1 else size for i, size in enumerate(shape)
    ]
    return jax.lax.dynamic_slice(inputs, start_indices, sizes)


@define
def slice_update(inputs: Array, start_indices: Any, updates: Array) -> Array:
    """The array with another block of values in it.

    Args:
        inputs: an array.
        start_indices: where the block begins: one index per axis; they may be computed.
        updates: the block; it has as many axes as the array.
    """
    return jax.lax.dynamic_update_slice(inputs, updates, start_indices)
