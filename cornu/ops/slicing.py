"""Slices, scattered updates and the largest elements of arrays."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.state.scope import announce_work
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
    """Splits an array along an axis into a list of arrays without that axis.

    Args:
        x: an array.
        num: the expected size of the axis; None for any.
        axis: the axis.

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = to_array(x)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack: num={num}, but axis {axis} has size {x.shape[axis]}.")
    announce_work("traced operations", x.shape[axis])
    return [jax.lax.index_in_dim(x, i, axis, keepdims=False) for i in range(x.shape[axis])]


@op
def top_k(x: ArrayLike, k: int, sorted: bool = True) -> tuple[Array, Array]:
    """Returns the `k` largest elements along the last axis, and their indices.

    Args:
        x: an array of shape (..., size).
        k: the number of elements.
        sorted: ignored; the elements are always in descending order.

    Example:

    >>> import cornu
    >>> values, indices = cornu.ops.top_k([5, 9, 7], k=2)
    >>> values.tolist(), indices.tolist()
    ([9, 7], [1, 2])
    """
    x = to_array(x)
    return to_pair(jax.lax.top_k(x, k))


@op
def in_top_k(targets: ArrayLike, predictions: ArrayLike, k: int) -> Array:
    """Returns whether the score of each target class is among the `k` highest.

    It is if fewer than `k` classes have a higher score. A score of NaN counts as the lowest.

    Args:
        targets: class indices, of shape (batch,).
        predictions: scores, of shape (batch, classes).
        k: the number of highest scores.

    Example:

    >>> import cornu
    >>> cornu.ops.in_top_k([0, 1], [[0.1, 0.9, 0.5], [0.1, 0.9, 0.5]], k=2).tolist()
    [False, True]
    """
    targets, predictions = to_array(targets), to_array(predictions)
    scores = jnp.take_along_axis(predictions, targets[..., None], axis=-1)
    # Comparisons with NaN are False, which would count a score of NaN as the highest.
    scores = jnp.where(jnp.isnan(scores), -jnp.inf, scores)
    return jnp.sum(predictions > scores, axis=-1) < k


@op
def scatter(indices: ArrayLike, values: ArrayLike, shape: Any) -> Array:
    """Returns an array of zeros to which values are added at given indices.

    Args:
        indices: the indices, of shape (n, number of indexed axes).
        values: the values, of shape (n, ...). Values at repeated indices are summed.
        shape: the shape of the result.

    Example:

    >>> import cornu
    >>> cornu.ops.scatter([[0], [2], [2]], [1, 2, 3], (4,)).tolist()
    [1, 0, 5, 0]
    """
    indices, values = to_array(indices), to_array(values)
    zeros = jnp.zeros(shape, values.dtype)
    return zeros.at[_by_axis("scatter", indices, zeros.ndim)].add(values)


def _by_axis(name: str, indices: Array, axes: int) -> tuple[Array, ...]:
    """Returns one array of indices per axis, as indexing takes them; Keras has a row per value."""
    columns = indices.shape[-1]
    if not isinstance(columns, int) or columns > axes:
        raise ValueError(
            f"{name}: the last axis of `indices` must have one entry for each indexed axis, at "
            f"most {axes}. Received: indices of shape {tuple(indices.shape)}"
        )
    return tuple(jnp.moveaxis(indices, -1, 0))


# The methods of `jax.numpy.ndarray.at[...]` by the names of Keras.
_UPDATE_METHODS = {"add": "add", "max": "max", "min": "min", "mul": "multiply", None: "set"}


@op
def scatter_update(
    inputs: ArrayLike, indices: ArrayLike, updates: ArrayLike, reduction: str | None = None
) -> Array:
    """Returns a copy of an array, updated at given indices.

    Args:
        inputs: an array.
        indices: the indices, of shape (n, number of indexed axes).
        updates: the values, of shape (n, ...).
        reduction: how an update is combined with the existing value: `"add"`, `"max"`, `"min"` or
            `"mul"`; None replaces the value.

    Example:

    >>> import cornu
    >>> cornu.ops.scatter_update([1, 2, 3], [[0], [2]], [9, 8]).tolist()
    [9, 2, 8]
    """
    inputs, indices, updates = to_array(inputs), to_array(indices), to_array(updates)
    if reduction not in _UPDATE_METHODS:
        raise ValueError(
            "scatter_update: reduction must be 'add', 'max', 'min', 'mul' or None. "
            f"Received: {reduction!r}"
        )
    target = inputs.at[_by_axis("scatter_update", indices, inputs.ndim)]
    result: Array = getattr(target, _UPDATE_METHODS[reduction])(updates)
    return result


@op
def slice(inputs: ArrayLike, start_indices: Any, shape: Any) -> Array:
    """Returns the block of a given shape that starts at given indices.

    Args:
        inputs: an array.
        start_indices: one index per axis; they may be traced values.
        shape: one size per axis; -1 for all remaining elements.

    Example:

    >>> import cornu
    >>> cornu.ops.slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
    [[2, 3], [5, 6]]
    """
    inputs = to_array(inputs)
    sizes = [
        inputs.shape[i] - start_indices[i] if size == -1 else size for i, size in enumerate(shape)
    ]
    return jax.lax.dynamic_slice(inputs, start_indices, sizes)


@op
def slice_update(inputs: ArrayLike, start_indices: Any, updates: ArrayLike) -> Array:
    """Returns a copy of an array in which a block of values is replaced.

    Args:
        inputs: an array.
        start_indices: the start of the block, one index per axis; they may be traced values.
        updates: the block, with as many axes as the array.

    Example:

    >>> import cornu
    >>> cornu.ops.slice_update([1, 2, 3], (1,), [8, 9]).tolist()
    [1, 8, 9]
    """
    inputs, updates = to_array(inputs), to_array(updates)
    return jax.lax.dynamic_update_slice(inputs, updates, start_indices)
