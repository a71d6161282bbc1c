"""Selecting elements by index or condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.core.graph import operators
from cornu.core.graph.op import op
from cornu.ops.arguments import check_known, to_array, to_arrays, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "get_item",
    "nonzero",
    "select",
    "take",
    "take_along_axis",
    "unravel_index",
    "where",
]

_WITHOUT_INDICES = "Use ops.where(condition, x1, x2), which keeps the shape."


@op
def take(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Array:
    """Takes elements, or slices along an axis, at given indices.

    Args:
        x: an array.
        indices: an array of integers.
        axis: the axis; None for the flattened array.

    Example:

    >>> import cornu
    >>> cornu.ops.take([10, 20, 30], [2, 0]).tolist()
    [30, 10]
    """
    return jnp.take(to_operand(x), to_operand(indices), axis=axis)


@op
def take_along_axis(x: ArrayLike, indices: ArrayLike, axis: int | None = None) -> Array:
    """Takes elements along an axis at indices that are given for each position.

    Args:
        x: an array.
        indices: integers, in the shape of `x` except along the axis.
        axis: the axis; None for the flattened array.

    Example:

    >>> import cornu
    >>> cornu.ops.take_along_axis([[1, 2], [3, 4]], [[1], [0]], axis=1).tolist()
    [[2], [3]]
    """
    return jnp.take_along_axis(to_operand(x), to_operand(indices), axis=axis)


@op
def get_item(x: ArrayLike, key: Any) -> Array:
    """Indexes an array: `x[key]`.

    Args:
        x: an array.
        key: an integer, slice, `...`, None or array, or a tuple or list of them.

    Raises:
        IndexError: an integer in `key` is out of bounds.

    Example:

    >>> import cornu
    >>> cornu.ops.get_item([10, 20, 30], slice(1, None)).tolist()
    [20, 30]
    """
    return operators.get_item(to_array(x), key)


@op
def where(condition: ArrayLike, x1: ArrayLike | None = None, x2: ArrayLike | None = None) -> Any:
    """Selects elements of `x1` where a condition is true, and of `x2` elsewhere.

    Args:
        condition: an array of booleans.
        x1: an array; without it, the indices where the condition is true are returned.
        x2: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.where([True, False], [1, 2], [3, 4]).tolist()
    [1, 4]
    """
    if x1 is None and x2 is None:
        check_known(condition, "condition", _WITHOUT_INDICES)
        return jnp.where(to_operand(condition))
    if x1 is None or x2 is None:
        raise ValueError("x1 and x2 must both be arrays, or both be None.")
    return jnp.where(to_operand(condition), to_operand(x1), to_operand(x2))


@op
def select(
    condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0
) -> Array:
    """Selects each element by the first of several conditions that is true.

    Args:
        condlist: boolean arrays.
        choicelist: one array for each condition.
        default: the value where no condition is true.

    Example:

    >>> import cornu
    >>> cornu.ops.select([[True, False], [True, True]], [[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    return jnp.select(to_arrays(condlist), to_arrays(choicelist), to_operand(default))


@op
def nonzero(x: ArrayLike) -> tuple[Array, ...]:
    """Returns the indices of nonzero elements, one array per axis. Requires concrete arrays.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> [indices.tolist() for indices in cornu.ops.nonzero([[0, 1], [2, 0]])]
    [[0, 1], [1, 0]]
    """
    check_known(x, "x", _WITHOUT_INDICES)
    return jnp.nonzero(to_operand(x))


@op
def unravel_index(indices: ArrayLike, shape: Sequence[int]) -> tuple[Array, ...]:
    """Converts indices into a flattened array to indices into an array of a shape.

    Args:
        indices: an array of integers.
        shape: the shape.

    Returns:
        One index array for each axis.

    Example:

    >>> import cornu
    >>> [part.tolist() for part in cornu.ops.unravel_index([1, 5], (2, 3))]
    [[0, 1], [1, 2]]
    """
    return jnp.unravel_index(to_operand(indices), shape)
