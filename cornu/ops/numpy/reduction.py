"""Reductions over axes: sums, means, extremes, counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_float, to_jax_dtype, to_operand
from cornu.types import Array, ArrayLike, Axes, DTypeLike

__all__ = [
    "all",
    "amax",
    "amin",
    "any",
    "argmax",
    "argmin",
    "average",
    "count_nonzero",
    "max",
    "mean",
    "min",
    "prod",
    "ptp",
    "std",
    "sum",
    "trapezoid",
    "var",
]

Number: TypeAlias = int | float | ArrayLike


@op
def sum(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the sum over axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    return jnp.sum(to_operand(x), axis=axis, keepdims=keepdims)


@op
def prod(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, dtype: DTypeLike | None = None
) -> Array:
    """Computes the product over axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.prod([[1, 2], [3, 4]]).tolist()
    24
    """
    return jnp.prod(to_operand(x), axis=axis, keepdims=keepdims, dtype=to_jax_dtype(dtype))


@op
def mean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the mean over axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.mean([[1, 2], [3, 4]], axis=1).tolist()
    [1.5, 3.5]
    """
    return _in_32_bits(jnp.mean, x, axis, keepdims)


@op
def var(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the variance over axes: the mean of `|x - mean(x)|**2`.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.var([1, 3]).tolist()
    1.0
    """
    return _in_32_bits(jnp.var, x, axis, keepdims)


@op
def std(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the standard deviation over axes: the square root of the variance.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.std([1, 3]).tolist()
    1.0
    """
    return _in_32_bits(jnp.std, x, axis, keepdims)


@op
def average(x: ArrayLike, axis: Axes = None, weights: ArrayLike | None = None) -> Array:
    """Computes the weighted mean `sum(weights * x) / sum(weights)` over axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        weights: the weights; 1 by default.

    Example:

    >>> import cornu
    >>> cornu.ops.average([1.0, 3.0], weights=[3.0, 1.0]).tolist()
    1.5
    """
    return jnp.average(to_float(x), axis, to_operand(weights))


@op
def trapezoid(y: ArrayLike, x: ArrayLike | None = None, dx: float = 1.0, axis: int = -1) -> Array:
    """Computes the integral along an axis by the trapezoidal rule.

    Args:
        y: the values of the function.
        x: the points where the function has these values; evenly spaced by default.
        dx: the distance between adjacent points, if `x` is None.
        axis: the axis or axes; None for all of them.

    Example:

    >>> import cornu
    >>> cornu.ops.trapezoid([1.0, 2.0, 3.0]).tolist()
    4.0
    """
    return jnp.trapezoid(to_operand(y), x=to_operand(x), dx=dx, axis=axis)


@op
def max(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, initial: float | None = None
) -> Array:
    """Computes the maximum over axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.
        initial: the minimum of the result; required for empty arrays.

    Example:

    >>> import cornu
    >>> cornu.ops.max([[1, 5], [7, 2]], axis=1).tolist()
    [5, 7]
    """
    return jnp.max(to_operand(x), axis=axis, keepdims=keepdims, initial=initial)


@op
def min(
    x: ArrayLike, axis: Axes = None, keepdims: bool = False, initial: float | None = None
) -> Array:
    """Computes the minimum over axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.
        initial: the maximum of the result; required for empty arrays.

    Example:

    >>> import cornu
    >>> cornu.ops.min([[1, 5], [7, 2]], axis=1).tolist()
    [1, 2]
    """
    return jnp.min(to_operand(x), axis=axis, keepdims=keepdims, initial=initial)


@op
def amax(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the maximum over axes; the same as `max`.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.amax([[1, 4], [3, 2]], axis=1).tolist()
    [4, 3]
    """
    return jnp.amax(to_operand(x), axis=axis, keepdims=keepdims)


@op
def amin(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the minimum over axes; the same as `min`.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.amin([[1, 4], [3, 2]], axis=1).tolist()
    [1, 2]
    """
    return jnp.amin(to_operand(x), axis=axis, keepdims=keepdims)


@op
def ptp(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the range over axes: maximum minus minimum.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.ptp([1, 5, 3]).tolist()
    4
    """
    return jnp.ptp(to_operand(x), axis=axis, keepdims=keepdims)


@op
def argmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Returns the index of the maximum along an axis, as int32.

    Args:
        x: an array.
        axis: the axis; None for the index into the flattened array.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.argmax([[1, 5], [7, 2]], axis=1).tolist()
    [1, 0]
    """
    return jnp.argmax(to_operand(x), axis=axis, keepdims=keepdims)


@op
def argmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Returns the index of the minimum along an axis, as int32.

    Args:
        x: an array.
        axis: the axis; None for the index into the flattened array.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.argmin([[1, 5], [7, 2]], axis=1).tolist()
    [0, 1]
    """
    return jnp.argmin(to_operand(x), axis=axis, keepdims=keepdims)


@op
def all(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Tests whether all elements are true.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.all([[True, False], [True, True]], axis=1).tolist()
    [False, True]
    """
    return jnp.all(to_operand(x), axis=axis, keepdims=keepdims)


@op
def any(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Tests whether at least one element is true.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.any([[True, False], [False, False]], axis=1).tolist()
    [True, False]
    """
    return jnp.any(to_operand(x), axis=axis, keepdims=keepdims)


@op
def count_nonzero(x: ArrayLike, axis: Axes = None) -> Array:
    """Counts the elements that are not zero; the result is int32.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.

    Example:

    >>> import cornu
    >>> cornu.ops.count_nonzero([0, 3, 4]).tolist()
    2
    """
    # As in Keras; JAX returns int64 if 64-bit types are enabled.
    return jnp.count_nonzero(to_operand(x), axis=axis).astype("int32")


def _in_32_bits(function: Callable[..., Array], x: ArrayLike, axis: Axes, keepdims: bool) -> Array:
    """Computes a reduction with at least 32 bits, because sums of float16 overflow early."""
    array = to_float(x)
    if array.dtype.itemsize >= 4:
        return function(array, axis=axis, keepdims=keepdims)
    result = function(array.astype("float32"), axis=axis, keepdims=keepdims)
    return result.astype(array.dtype)
