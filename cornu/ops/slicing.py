"""Parts of arrays: the largest elements, slices and scattered updates."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_pair
from cornu.types import Array, ArrayLike

__all__ = [
    "in_top_k",
    "scatter",
    "scatter_update",
    "slice",
    "slice_update",
    "top_k",
    "unstack",
]


@op
def unstack(x: ArrayLike, num: int | None = None, axis: int = 0) -> list[Array]:
    """The slices along an axis, as a list of arrays without that axis.

    Args:
        x: an array.
        num: how many there are, if it is known; it is checked.
        axis: the axis.
    """
    x = to_array(x)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num={num}, but axis {axis} has the size {x.shape[axis]}.")
    return [jax.lax.index_in_dim(x, i, axis, keepdims=False) for i in range(x.shape[axis])]


@op
def top_k(x: ArrayLike, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """The k largest elements along the last axis, and their indices.

    Args:
        x: an array of shape (..., size).
        k: how many.
        sorted: whether the largest comes first; it always does.
    """
    x = to_array(x)
    return to_pair(jax.lax.top_k(x, k))


@op
def in_top_k(targets: ArrayLike, predictions: ArrayLike, k: int) -> Array:
    """Whether the score of each target class is among the k highest.

    A class counts if fewer than k others have a higher score; a NaN is never among them.

    Args:
        targets: class indices, of shape (batch,).
        predictions: scores, of shape (batch, classes).
        k: how many.
    """
    targets, predictions = to_array(targets), to_array(predictions)
    scores = jnp.take_along_axis(predictions, targets[..., None], axis=-1)
    scores = jnp.where(jnp.isnan(scores), -jnp.inf, scores)
    return jnp.sum(predictions > scores, axis=-1) < k


@op
def scatter(indices: ArrayLike, values: ArrayLike, shape: Any) -> Array:
    """Zeros, with values added at some places.

    Args:
        indices: the places, of shape (n, number of axes that are indexed).
        values: the values, of shape (n, ...). Where a place occurs twice, they add up.
        shape: the shape of the result.
    """
    indices, values = to_array(indices), to_array(values)
    return jnp.zeros(shape, values.dtype).at[tuple(jnp.moveaxis(indices, -1, 0))].add(values)


_WRITE = {"add": "add", "max": "max", "min": "min", "mul": "multiply", None: "set"}


@op
def scatter_update(
    inputs: ArrayLike, indices: ArrayLike, updates: ArrayLike, reduction: str | None = None
) -> Array:
    """The array with other values at some places.

    Args:
        inputs: an array.
        indices: the places, of shape (n, number of axes that are indexed).
        updates: the values, of shape (n, ...).
        reduction: how an update is combined with what is there: `"add"`, `"max"`, `"min"`,
            `"mul"`; None puts it in its place.
    """
    inputs, indices, updates = to_array(inputs), to_array(indices), to_array(updates)
    if reduction not in _WRITE:
        raise ValueError(
            "scatter_update: reduction is 'add', 'max', 'min', 'mul' or None. "
            f"Received: {reduction!r}"
        )
    place = inputs.at[tuple(jnp.moveaxis(indices, -1, 0))]
    result: Array = getattr(place, _WRITE[reduction])(updates)
    return result


@op
def slice(inputs: ArrayLike, start_indices: Any, shape: Any) -> Array:
    """The part of a shape that begins at some indices.

    Args:
        inputs: an array.
        start_indices: one index per axis; they may be computed.
        shape: one size per axis; -1 for all that is left.
    """
    inputs = to_array(inputs)
    sizes = [
        inputs.shape[i] - start_indices[i] if size == -1 else size for i, size in enumerate(shape)
    ]
    return jax.lax.dynamic_slice(inputs, start_indices, sizes)


@op
def slice_update(inputs: ArrayLike, start_indices: Any, updates: ArrayLike) -> Array:
    """The array with another block of values in it.

    Args:
        inputs: an array.
        start_indices: where the block begins: one index per axis; they may be computed.
        updates: the block; it has as many axes as the array.
    """
    inputs, updates = to_array(inputs), to_array(updates)
    return jax.lax.dynamic_update_slice(inputs, updates, start_indices)
