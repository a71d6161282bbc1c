"""Bitwise operations on integers, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "left_shift",
    "right_shift",
]


@op
def bitwise_and(x: ArrayLike, y: ArrayLike) -> Array:
    """Computes the bitwise AND: the bits that are set in both integers.

    Args:
        x: an array.
        y: an array; its shape must broadcast with that of `x`.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_and([6], [3]).tolist()
    [2]
    """
    return jnp.bitwise_and(to_operand(x), to_operand(y))


@op
def bitwise_or(x: ArrayLike, y: ArrayLike) -> Array:
    """Computes the bitwise OR: the bits that are set in at least one of two integers.

    Args:
        x: an array.
        y: an array; its shape must broadcast with that of `x`.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_or([6], [3]).tolist()
    [7]
    """
    return jnp.bitwise_or(to_operand(x), to_operand(y))


@op
def bitwise_xor(x: ArrayLike, y: ArrayLike) -> Array:
    """Computes the bitwise XOR: the bits that are set in exactly one of two integers.

    Args:
        x: an array.
        y: an array; its shape must broadcast with that of `x`.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_xor([6], [3]).tolist()
    [5]
    """
    return jnp.bitwise_xor(to_operand(x), to_operand(y))


@op
def bitwise_not(x: ArrayLike) -> Array:
    """Inverts all bits.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_not([0, 1]).tolist()
    [-1, -2]
    """
    return jnp.invert(to_operand(x))


@op
def bitwise_invert(x: ArrayLike) -> Array:
    """Inverts all bits; the same as `bitwise_not`.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_invert([0, 5]).tolist()
    [-1, -6]
    """
    return jnp.invert(to_operand(x))


@op
def left_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shifts the bits of `x` to the left: `x * 2**y`.

    Args:
        x: an array.
        y: the number of bits to shift by.

    Example:

    >>> import cornu
    >>> cornu.ops.left_shift([1, 2], 2).tolist()
    [4, 8]
    """
    return jnp.left_shift(to_operand(x), to_operand(y))


@op
def right_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shifts the bits of `x` to the right: `x // 2**y`.

    Args:
        x: an array.
        y: the number of bits to shift by.

    Example:

    >>> import cornu
    >>> cornu.ops.right_shift([8, 9], 2).tolist()
    [2, 2]
    """
    return jnp.right_shift(to_operand(x), to_operand(y))


@op
def bitwise_left_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shifts the bits of `x` to the left; the same as `left_shift`.

    Args:
        x: an array.
        y: the number of bits to shift by.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_left_shift([1, 3], 2).tolist()
    [4, 12]
    """
    return jnp.left_shift(to_operand(x), to_operand(y))


@op
def bitwise_right_shift(x: ArrayLike, y: ArrayLike) -> Array:
    """Shifts the bits of `x` to the right; the same as `right_shift`.

    Args:
        x: an array.
        y: the number of bits to shift by.

    Example:

    >>> import cornu
    >>> cornu.ops.bitwise_right_shift([4, 12], 2).tolist()
    [1, 3]
    """
    return jnp.right_shift(to_operand(x), to_operand(y))
