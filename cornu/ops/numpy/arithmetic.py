"""Arithmetic, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "abs",
    "absolute",
    "add",
    "cbrt",
    "divide",
    "divide_no_nan",
    "fabs",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "hypot",
    "lcm",
    "ldexp",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "negative",
    "nextafter",
    "power",
    "reciprocal",
    "sign",
    "sqrt",
    "square",
    "subtract",
    "true_divide",
]


@op
def add(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the sum `x1 + x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.add([1, 2], 3).tolist()
    [4, 5]
    """
    return jnp.add(to_operand(x1), to_operand(x2))


@op
def subtract(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the difference `x1 - x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.subtract([1, 2], 3).tolist()
    [-2, -1]
    """
    return jnp.subtract(to_operand(x1), to_operand(x2))


@op
def multiply(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the product `x1 * x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.multiply([1, 2], 3).tolist()
    [3, 6]
    """
    return jnp.multiply(to_operand(x1), to_operand(x2))


@op
def divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the quotient `x1 / x2` as floats.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.divide([1, 2], 4).tolist()
    [0.25, 0.5]
    """
    return jnp.divide(to_operand(x1), to_operand(x2))


@op
def true_divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the quotient `x1 / x2` as floats; the same as `divide`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.true_divide([1, 3], 2).tolist()
    [0.5, 1.5]
    """
    return jnp.divide(to_operand(x1), to_operand(x2))


@op
def divide_no_nan(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the quotient `x1 / x2`, and 0 where `x2` is 0.

    The gradient is finite there as well.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of the first.

    Example:

    >>> import cornu
    >>> cornu.ops.divide_no_nan([1.0, 1.0], [2.0, 0.0]).tolist()
    [0.5, 0.0]
    """
    x1, x2 = to_array(x1), to_array(x2)
    # The inner `where` avoids a division by zero, whose gradient would be NaN although it is not
    # selected.
    zero = x2 == 0
    return jnp.where(zero, 0, jnp.divide(x1, jnp.where(zero, 1, x2)))


@op
def floor_divide(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the quotient `x1 / x2`, rounded down.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    return jnp.floor_divide(to_operand(x1), to_operand(x2))


@op
def mod(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the remainder of `x1 / x2`, with the sign of `x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.mod([7, -7], 3).tolist()
    [1, 2]
    """
    return jnp.mod(to_operand(x1), to_operand(x2))


@op
def fmod(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the remainder of `x1 / x2`, with the sign of `x1`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.fmod([7, -7], 3).tolist()
    [1, -1]
    """
    return jnp.fmod(to_operand(x1), to_operand(x2))


@op
def power(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes `x1 ** x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.power([1, 2, 3], 2).tolist()
    [1, 4, 9]
    """
    return jnp.power(to_operand(x1), to_operand(x2))


@op
def negative(x: ArrayLike) -> Array:
    """Computes the negative `-x`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.negative([1, -2]).tolist()
    [-1, 2]
    """
    return jnp.negative(to_operand(x))


@op
def absolute(x: ArrayLike) -> Array:
    """Computes the absolute value of each element.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.absolute([-1, 2]).tolist()
    [1, 2]
    """
    return jnp.absolute(to_operand(x))


@op
def abs(x: ArrayLike) -> Array:
    """Computes the absolute value of each element; the same as `absolute`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.abs([-1.0, 2.0]).tolist()
    [1.0, 2.0]
    """
    return jnp.absolute(to_operand(x))


@op
def fabs(x: ArrayLike) -> Array:
    """Computes the absolute value of each element, as floats.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.fabs([-1, 2]).tolist()
    [1.0, 2.0]
    """
    return jnp.fabs(to_operand(x))


@op
def sign(x: ArrayLike) -> Array:
    """Computes the sign of each element: -1, 0 or 1.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.sign([-3, 0, 5]).tolist()
    [-1, 0, 1]
    """
    return jnp.sign(to_operand(x))


@op
def reciprocal(x: ArrayLike) -> Array:
    """Computes the reciprocal `1 / x`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.reciprocal([2, 4]).tolist()
    [0.5, 0.25]
    """
    return jnp.reciprocal(to_float(x))


@op
def square(x: ArrayLike) -> Array:
    """Computes the square `x * x`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.square([2, -3]).tolist()
    [4, 9]
    """
    return jnp.square(to_operand(x))


@op
def sqrt(x: ArrayLike) -> Array:
    """Computes the square root of each element.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.sqrt([4, 9]).tolist()
    [2.0, 3.0]
    """
    return jnp.sqrt(to_float(x))


@op
def cbrt(x: ArrayLike) -> Array:
    """Computes the cube root of each element.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.cbrt([8.0, -27.0]).tolist()
    [2.0, -3.0]
    """
    return jnp.cbrt(to_float(x))


@op
def hypot(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the length of the hypotenuse, `sqrt(x1**2 + x2**2)`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.hypot(3.0, 4.0).tolist()
    5.0
    """
    return jnp.hypot(to_operand(x1), to_operand(x2))


@op
def gcd(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the greatest common divisor of integers.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.gcd([12, 8], 6).tolist()
    [6, 2]
    """
    return jnp.gcd(to_operand(x1), to_operand(x2))


@op
def lcm(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the least common multiple of integers.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.lcm([4, 5], 6).tolist()
    [12, 30]
    """
    return jnp.lcm(to_operand(x1), to_operand(x2))


@op
def maximum(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the larger of two elements; NaN where one of them is NaN.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return jnp.maximum(to_operand(x1), to_operand(x2))


@op
def minimum(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the smaller of two elements; NaN where one of them is NaN.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return jnp.minimum(to_operand(x1), to_operand(x2))


@op
def fmax(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the larger of two elements; a NaN is ignored if the other is a number.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.fmax([1.0, float("nan")], [2.0, 3.0]).tolist()
    [2.0, 3.0]
    """
    return jnp.fmax(to_operand(x1), to_operand(x2))


@op
def fmin(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the smaller of two elements; a NaN is ignored if the other is a number.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> cornu.ops.fmin([1.0, float("nan")], [2.0, 3.0]).tolist()
    [1.0, 3.0]
    """
    return jnp.fmin(to_operand(x1), to_operand(x2))


@op
def heaviside(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the step function: 0 for negative elements, 1 for positive ones, `x2` at zero.

    Args:
        x1: an array.
        x2: the value at zero.

    Example:

    >>> import cornu
    >>> cornu.ops.heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    return jnp.heaviside(to_operand(x1), to_operand(x2))


@op
def nextafter(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes the next representable number after `x1` in the direction of `x2`.

    Args:
        x1: an array.
        x2: an array; its shape must broadcast with that of `x1`.

    Example:

    >>> import cornu
    >>> float(cornu.ops.nextafter(1.0, 2.0)) > 1.0
    True
    """
    return jnp.nextafter(to_operand(x1), to_operand(x2))


@op
def ldexp(x1: ArrayLike, x2: ArrayLike) -> Array:
    """Computes `x1 * 2**x2`.

    Args:
        x1: an array.
        x2: an integer array.

    Example:

    >>> import cornu
    >>> cornu.ops.ldexp([1.5, 1.0], [1, 3]).tolist()
    [3.0, 8.0]
    """
    x1, x2 = to_array(x1), to_array(x2)
    if x2.dtype.kind not in "iu":
        raise TypeError(f"ldexp: the exponents x2 must be integers. Received: {x2.dtype}")
    return jnp.ldexp(x1, x2)
