"""Quantiles, counts and correlations."""

from __future__ import annotations

from typing import Literal, TypeAlias

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.core.sparse import encoding
from cornu.ops.arguments import check_known, to_array, to_axes, to_float, to_operand
from cornu.types import Array, ArrayLike, Axes

__all__ = [
    "bincount",
    "corrcoef",
    "histogram",
    "median",
    "percentile",
    "quantile",
]

QuantileMethod: TypeAlias = Literal["linear", "lower", "higher", "midpoint", "nearest"]


@op
def median(x: ArrayLike, axis: Axes = None, keepdims: bool = False) -> Array:
    """Computes the median over axes: the mean of the two middle values for an even number.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.median([1, 5, 2]).tolist()
    2.0
    """
    return jnp.median(to_float(x), axis=to_axes(axis), keepdims=keepdims)


@op
def quantile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
) -> Array:
    """Computes the quantile over axes: the value below which a fraction `q` of the elements lies.

    Args:
        x: an array.
        q: a number from 0 to 1, or an array of them; an array adds a first axis to the result.
        axis: the axis or axes; None for all of them.
        method: the interpolation between two elements: `"linear"`, `"lower"`, `"higher"`,
            `"midpoint"` or `"nearest"`.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.quantile([1.0, 2.0, 3.0], 0.5).tolist()
    2.0
    """
    return jnp.quantile(
        to_float(x), to_operand(q), axis=to_axes(axis), method=method, keepdims=keepdims
    )


@op
def percentile(
    x: ArrayLike,
    q: ArrayLike,
    axis: Axes = None,
    method: QuantileMethod = "linear",
    keepdims: bool = False,
) -> Array:
    """Computes the percentile over axes: the value below which `q` percent of the elements lie.

    Args:
        x: an array.
        q: a number from 0 to 100, or an array of them; an array adds a first axis to the result.
        axis: the axis or axes; None for all of them.
        method: the interpolation between two elements: `"linear"`, `"lower"`, `"higher"`,
            `"midpoint"` or `"nearest"`.
        keepdims: whether the reduced axes are kept with size 1.

    Example:

    >>> import cornu
    >>> cornu.ops.percentile([1.0, 2.0, 3.0], 50).tolist()
    2.0
    """
    return jnp.percentile(
        to_float(x), to_operand(q), axis=to_axes(axis), method=method, keepdims=keepdims
    )


@op
def histogram(
    x: ArrayLike, bins: int | ArrayLike = 10, range: tuple[float, float] | None = None
) -> tuple[Array, Array]:
    """Counts the elements in each bin.

    Args:
        x: an array.
        bins: the number of bins of equal width, or an array of their edges.
        range: the lowest and the highest edge; those of the data by default.

    Returns:
        The counts, and the edges of the bins.

    Example:

    >>> import cornu
    >>> counts, edges = cornu.ops.histogram([0.0, 1.0, 1.0, 4.0], bins=2)
    >>> counts.tolist(), edges.tolist()
    ([3.0, 1.0], [0.0, 2.0, 4.0])
    """
    return jnp.histogram(to_operand(x), bins if isinstance(bins, int) else to_operand(bins), range)


@op
def corrcoef(x: ArrayLike) -> Array:
    """Computes the Pearson correlation coefficients of variables.

    Args:
        x: one variable per row, one observation per column.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(np.asarray(cornu.ops.corrcoef([[1.0, 2.0, 3.0], [6.0, 4.0, 2.0]])).round(3))
    [[ 1. -1.]
     [-1.  1.]]
    """
    return jnp.corrcoef(to_float(x))


@op
def bincount(
    x: ArrayLike, weights: ArrayLike | None = None, minlength: int = 0, sparse: bool = False
) -> Array:
    """Counts the occurrences of each of the integers 0, 1, 2, ...

    The length of the result depends on the data. Therefore the op supports arrays only, neither
    symbolic Tensors nor compiled functions.

    Args:
        x: non-negative integers, of shape (length,) or (batch, length).
        weights: the weight of each element; 1 by default.
        minlength: the minimum length of the result.
        sparse: whether the result is a sparse array of JAX, a BCOO. For sparse x and weights, the
            stored values are counted.

    Returns:
        Counts of shape (size,) or (batch, size), size = max(x.max() + 1, minlength).

    Example:

    >>> import cornu
    >>> cornu.ops.bincount([0, 2, 2]).tolist()
    [1, 0, 2]
    """
    x, weights = to_array(x), to_array(weights)
    check_known(x, "x", "For counts of n classes, use ops.sum(ops.one_hot(x, n), axis=-2).")
    size = max(int(x.max()) + 1, minlength) if x.size else minlength
    if sparse:
        encoded = encoding.one_hot(x, size, dtype="int32")
        found: Array = encoding.count_members(encoded, x.ndim - 1, weights)
        return found
    if x.ndim == 1:
        return jnp.bincount(x, weights, minlength=minlength)
    # With a row index for each element, all rows are counted in one scatter.
    rows = jnp.arange(x.shape[0])[:, None]
    counts = jnp.zeros((x.shape[0], size), "int32" if weights is None else weights.dtype)
    return counts.at[rows, x].add(1 if weights is None else weights)
