"""Reductions over axes that ignore NaN."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_axes, to_float, to_operand
from cornu.ops.numpy.statistics import QuantileMethod
from cornu.types import Array, ArrayLike, Axes

__all__ = [
    "nanargmax",
    "nanargmin",
    "nanmax",
    "nanmean",
    "nanmedian",
    "nanmin",
    "nanpercentile",
    "nanprod",
    "nanquantile",
    "nanstd",
    "nansum",
    "nanvar",
]


@op
def nansum(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the sum over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.nansum([1.0, float("nan"), 2.0]).tolist()
    3.0
    """
    return jnp.nansum(to_operand(x), axis=axis, keepdims=keepdims)


@op
def nanprod(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the product over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanprod([2.0, float("nan"), 3.0]))
    6.0
    """
    return jnp.nanprod(to_operand(x), axis=axis, keepdims=keepdims)


@op
def nanmean(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the mean over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.nanmean([1.0, float("nan"), 2.0]).tolist()
    1.5
    """
    return jnp.nanmean(to_float(x), axis=axis, keepdims=keepdims)


@op
def nanvar(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the variance over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanvar([1.0, float("nan"), 3.0]))
    1.0
    """
    return jnp.nanvar(to_float(x), axis=axis, keepdims=keepdims)


@op
def nanstd(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the standard deviation over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanstd([1.0, float("nan"), 3.0]))
    1.0
    """
    return jnp.nanstd(to_float(x), axis=axis, keepdims=keepdims)


@op
def nanmax(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the maximum over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanmax([1.0, float("nan"), 3.0]))
    3.0
    """
    return jnp.nanmax(to_operand(x), axis=axis, keepdims=keepdims)


@op
def nanmin(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the minimum over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanmin([1.0, float("nan"), 3.0]))
    1.0
    """
    return jnp.nanmin(to_operand(x), axis=axis, keepdims=keepdims)


@op
def nanargmax(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Returns the index of the maximum along an axis, ignoring NaN; -1 where all are NaN.

    Args:
        x: an array.
        axis: the axis; None for the index into the flattened array.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> int(cornu.ops.nanargmax([1.0, float("nan"), 3.0]))
    2
    """
    return jnp.nanargmax(to_operand(x), axis=axis, keepdims=keepdims)


@op
def nanargmin(x: ArrayLike, axis: int | None = None, keepdims: bool = False) -> Array:
    """Returns the index of the minimum along an axis, ignoring NaN; -1 where all are NaN.

    Args:
        x: an array.
        axis: the axis; None for the index into the flattened array.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> int(cornu.ops.nanargmin([1.0, float("nan"), 3.0]))
    0
    """
    return jnp.nanargmin(to_operand(x), axis=axis, keepdims=keepdims)


@op
def nanmedian(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the median over axes, ignoring NaN.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanmedian([1.0, float("nan"), 3.0]))
    2.0
    """
    return jnp.nanmedian(to_float(x), axis=to_axes(axis), keepdims=keepdims)


@op
def nanquantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
) -> Array:
    """Computes the quantile over axes, ignoring NaN.

    Args:
        x: an array.
        q: a number from 0 to 1, or an array of them; an array adds a first axis to the result.
        axis: the axis or axes; None for all of them.
        method: the interpolation between two elements: `"linear"`, `"lower"`, `"higher"`,
            `"midpoint"` or `"nearest"`.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanquantile([1.0, float("nan"), 3.0], 0.5))
    2.0
    """
    return jnp.nanquantile(
        to_float(x), to_operand(q), axis=to_axes(axis), method=method, keepdims=keepdims
    )


@op
def nanpercentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
) -> Array:
    """Computes the percentile over axes, ignoring NaN.

    Args:
        x: an array.
        q: a number from 0 to 100, or an array of them; an array adds a first axis to the result.
        axis: the axis or axes; None for all of them.
        method: the interpolation between two elements: `"linear"`, `"lower"`, `"higher"`,
            `"midpoint"` or `"nearest"`.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nanpercentile([1.0, float("nan"), 3.0], 50))
    2.0
    """
    return jnp.nanpercentile(
        to_float(x), to_operand(q), axis=to_axes(axis), method=method, keepdims=keepdims
    )
