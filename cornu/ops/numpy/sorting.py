"""Sorting, searching and sets."""

from __future__ import annotations

from typing import Any, Literal

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import check_known, to_array, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "argpartition",
    "argsort",
    "digitize",
    "isin",
    "searchsorted",
    "sort",
    "unique",
]


@op
def sort(x: ArrayLike, axis: int | None = -1) -> Array:
    """Sorts elements in ascending order along an axis.

    Args:
        x: an array.
        axis: the axis; None for the flattened array.

    Example:

    >>> import cornu
    >>> cornu.ops.sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    return jnp.sort(to_operand(x), axis=axis)


@op
def argsort(x: ArrayLike, axis: int | None = -1) -> Array:
    """Returns the indices that would sort an array; equal elements keep their order.

    Args:
        x: an array.
        axis: the axis; None for the flattened array.

    Example:

    >>> import cornu
    >>> cornu.ops.argsort([30, 10, 20]).tolist()
    [1, 2, 0]
    """
    x = to_array(x)
    return jnp.argsort(x, axis=None if x.ndim == 0 else axis)


@op
def argpartition(x: ArrayLike, kth: int, axis: int | None = -1) -> Array:
    """Returns indices that move the k-th smallest element to position k, smaller ones before it.

    Args:
        x: an array.
        kth: the position k, counted from 0.
        axis: the axis; None for the flattened array.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x = np.array([5, 1, 4, 2])
    >>> x[cornu.ops.argpartition(x, 1)[:2]].tolist()
    [1, 2]
    """
    return jnp.argpartition(
        *((jnp.ravel(to_operand(x)), kth, 0) if axis is None else (to_array(x), kth, axis))
    )


@op
def searchsorted(
    sorted_sequence: ArrayLike, values: ArrayLike, side: Literal["left", "right"] = "left"
) -> Array:
    """Returns the indices at which values can be inserted so that a vector stays sorted.

    Args:
        sorted_sequence: a vector in ascending order.
        values: an array.
        side: whether to insert to the left or to the right of equal elements.

    Example:

    >>> import cornu
    >>> cornu.ops.searchsorted([1, 3, 5], [2, 5]).tolist()
    [1, 2]
    """
    sequence, x = to_operand(sorted_sequence), to_array(values)
    # The function of JAX is traced once for each axis of the values.
    return jnp.searchsorted(sequence, x.reshape(-1), side=side).reshape(x.shape)


@op
def digitize(x: ArrayLike, bins: ArrayLike) -> Array:
    """Returns the index of the bin that contains each element.

    Args:
        x: an array.
        bins: the edges of the bins, in ascending or descending order.

    Example:

    >>> import cornu
    >>> cornu.ops.digitize([0.5, 1.5], [0.0, 1.0, 2.0]).tolist()
    [1, 2]
    """
    array = to_array(x)
    return jnp.digitize(array.reshape(-1), to_array(bins)).reshape(array.shape)


@op
def isin(x1: ArrayLike, x2: ArrayLike, assume_unique: bool = False, invert: bool = False) -> Array:
    """Tests whether each element of `x1` occurs in `x2`.

    Args:
        x1: an array.
        x2: an array.
        assume_unique: whether no element occurs twice, which is faster.
        invert: whether to return the negated result.

    Example:

    >>> import cornu
    >>> cornu.ops.isin([1, 2, 3], [2, 4]).tolist()
    [False, True, False]
    """
    return jnp.isin(to_operand(x1), to_operand(x2), assume_unique=assume_unique, invert=invert)


@op
def unique(
    x: ArrayLike,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: ArrayLike | None = None,
) -> Any:
    """Returns the unique elements, sorted. Requires concrete arrays unless `size` is given.

    Args:
        x: an array.
        sorted: whether the result is in ascending order.
        return_index: whether to also return the index of each first occurrence.
        return_inverse: whether to also return, for each element, its index in the result.
        return_counts: whether to also return the number of occurrences of each element.
        axis: the axis whose slices are compared; None for single elements.
        size: the number of elements to return.
        fill_value: fills the result if there are fewer; the smallest element by default.

    Example:

    >>> import cornu
    >>> cornu.ops.unique([3, 1, 3]).tolist()
    [1, 3]
    """
    if size is None:
        check_known(x, "x", "Pass `size`, the number of elements to return.")
    return jnp.unique(
        to_operand(x),
        return_index,
        return_inverse,
        return_counts,
        axis,
        size=size,
        fill_value=to_operand(fill_value),
        sorted=sorted,
        equal_nan=False,
    )
