"""Comparisons and logical operations, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "allclose",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "signbit",
]


@op
def equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether `x1 == x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.equal([1, 2], [1, 3]).tolist()
    [True, False]
    """
    return jnp.equal(to_operand(x1), to_operand(x2))


@op
def not_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether `x1 != x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.not_equal([1, 2], [1, 3]).tolist()
    [False, True]
    """
    return jnp.not_equal(to_operand(x1), to_operand(x2))


@op
def less(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether `x1 < x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.less([1, 2], 2).tolist()
    [True, False]
    """
    return jnp.less(to_operand(x1), to_operand(x2))


@op
def less_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether `x1 <= x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.less_equal([1, 3], 2).tolist()
    [True, False]
    """
    return jnp.less_equal(to_operand(x1), to_operand(x2))


@op
def greater(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether `x1 > x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.greater([1, 3], 2).tolist()
    [False, True]
    """
    return jnp.greater(to_operand(x1), to_operand(x2))


@op
def greater_equal(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether `x1 >= x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.greater_equal([1, 2], 2).tolist()
    [False, True]
    """
    return jnp.greater_equal(to_operand(x1), to_operand(x2))


@op
def isclose(
    x1: ArrayLike, x2: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Array:
    """Tests whether `|x1 - x2| <= atol + rtol * |x2|`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        equal_nan: whether NaN counts as equal to NaN.

    Example:

    >>> import cornu
    >>> cornu.ops.isclose([1.0, 2.0], [1.000001, 2.1]).tolist()
    [True, False]
    """
    return jnp.isclose(to_operand(x1), to_operand(x2), rtol=rtol, atol=atol, equal_nan=equal_nan)


@op
def allclose(
    x1: ArrayLike, x2: ArrayLike, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Array:
    """Tests whether `|x1 - x2| <= atol + rtol * |x2|` for all elements.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.
        rtol: the relative tolerance.
        atol: the absolute tolerance.
        equal_nan: whether NaN counts as equal to NaN.

    Example:

    >>> import cornu
    >>> bool(cornu.ops.allclose([1.0, 2.0], [1.0, 2.000001]))
    True
    """
    return jnp.allclose(to_operand(x1), to_operand(x2), rtol=rtol, atol=atol, equal_nan=equal_nan)


@op
def isfinite(x: ArrayLike) -> Array:
    """Tests whether each element is neither NaN nor infinite.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.isfinite([1.0, float("inf"), float("nan")]).tolist()
    [True, False, False]
    """
    return jnp.isfinite(to_operand(x))


@op
def isinf(x: ArrayLike) -> Array:
    """Tests whether each element is infinite.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.isinf([1.0, float("-inf"), float("nan")]).tolist()
    [False, True, False]
    """
    return jnp.isinf(to_operand(x))


@op
def isnan(x: ArrayLike) -> Array:
    """Tests whether each element is NaN.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.isnan([1.0, float("inf"), float("nan")]).tolist()
    [False, False, True]
    """
    return jnp.isnan(to_operand(x))


@op
def isneginf(x: ArrayLike) -> Array:
    """Tests whether each element is negative infinity.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.isneginf([float("-inf"), float("inf")]).tolist()
    [True, False]
    """
    return jnp.isneginf(to_operand(x))


@op
def isposinf(x: ArrayLike) -> Array:
    """Tests whether each element is positive infinity.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.isposinf([float("-inf"), float("inf")]).tolist()
    [False, True]
    """
    return jnp.isposinf(to_operand(x))


@op
def signbit(x: ArrayLike) -> Array:
    """Tests whether the sign bit of each element is set, which is the case for -0.0.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.signbit([-0.0, 1.0]).tolist()
    [True, False]
    """
    return jnp.signbit(to_operand(x))


@op
def logical_and(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether both elements are true.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.logical_and([True, True], [True, False]).tolist()
    [True, False]
    """
    return jnp.logical_and(to_operand(x1), to_operand(x2))


@op
def logical_or(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether at least one of two elements is true.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.logical_or([True, False], [False, False]).tolist()
    [True, False]
    """
    return jnp.logical_or(to_operand(x1), to_operand(x2))


@op
def logical_xor(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Tests whether exactly one of two elements is true.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.logical_xor([True, False], [True, True]).tolist()
    [False, True]
    """
    return jnp.logical_xor(to_operand(x1), to_operand(x2))


@op
def logical_not(x: ArrayLike) -> Array:
    """Tests whether each element is false.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.logical_not([True, False]).tolist()
    [False, True]
    """
    return jnp.logical_not(to_operand(x))
