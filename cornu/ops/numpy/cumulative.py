"""Cumulative sums and products, and differences."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_jax_dtype, to_operand
from cornu.types import Array, ArrayLike, DTypeLike

__all__ = [
    "cumprod",
    "cumsum",
    "diff",
    "nancumprod",
    "nancumsum",
]


@op
def cumsum(x: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Array:
    """Computes the cumulative sum along an axis.

    Args:
        x: an array.
        axis: the axis; None for the flattened array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    return jnp.cumsum(to_operand(x), axis=axis, dtype=to_jax_dtype(dtype))


@op
def cumprod(x: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Array:
    """Computes the cumulative product along an axis.

    Args:
        x: an array.
        axis: the axis; None for the flattened array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    return jnp.cumprod(to_operand(x), axis=axis, dtype=to_jax_dtype(dtype))


@op
def nancumsum(x: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Array:
    """Computes the cumulative sum along an axis; NaN counts as 0.

    Args:
        x: an array.
        axis: the axis; None for the flattened array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.nancumsum([2.0, float("nan"), 3.0]).tolist()
    [2.0, 2.0, 5.0]
    """
    return jnp.nancumsum(to_operand(x), axis=axis, dtype=to_jax_dtype(dtype))


@op
def nancumprod(x: ArrayLike, axis: int | None = None, dtype: DTypeLike | None = None) -> Array:
    """Computes the cumulative product along an axis; NaN counts as 1.

    Args:
        x: an array.
        axis: the axis; None for the flattened array.
        dtype: the dtype of the result; determined by the input by default.

    Example:

    >>> import cornu
    >>> cornu.ops.nancumprod([2.0, float("nan"), 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    return jnp.nancumprod(to_operand(x), axis=axis, dtype=to_jax_dtype(dtype))


@op
def diff(a: ArrayLike, n: int = 1, axis: int = -1) -> Array:
    """Computes the differences of adjacent elements along an axis.

    Args:
        a: an array.
        n: the number of times the differences are computed.
        axis: the axis.

    Example:

    >>> import cornu
    >>> cornu.ops.diff([1, 4, 9]).tolist()
    [3, 5]
    """
    return jnp.diff(to_operand(a), n=n, axis=axis)
