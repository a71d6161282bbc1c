"""Rounding and clipping, element by element."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float, to_operand
from cornu.types import Array, ArrayLike

__all__ = [
    "ceil",
    "clip",
    "floor",
    "nan_to_num",
    "round",
    "trunc",
]


@op
def ceil(x: ArrayLike) -> Array:
    """Rounds each element up to an integer, as floats.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.ceil([1.2, -1.2]).tolist()
    [2.0, -1.0]
    """
    return jnp.ceil(to_float(x))


@op
def floor(x: ArrayLike) -> Array:
    """Rounds each element down to an integer, as floats.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.floor([1.2, -1.2]).tolist()
    [1.0, -2.0]
    """
    return jnp.floor(to_float(x))


@op
def trunc(x: ArrayLike) -> Array:
    """Rounds each element toward zero to an integer.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    return jnp.trunc(to_operand(x))


@op
def round(x: ArrayLike, decimals: int = 0) -> Array:
    """Rounds to a number of decimals; halves are rounded to the nearest even number.

    Args:
        x: an array.
        decimals: how many digits after the point; negative ones are before it.

    Example:

    >>> import cornu
    >>> cornu.ops.round([0.5, 1.5, 2.7]).tolist()
    [0.0, 2.0, 3.0]
    """
    x = to_array(x)
    if x.dtype.kind in "iu" and decimals < 0:
        # JAX does not implement this for integers.
        unit = 10.0**-decimals
        return (jnp.round(to_float(x) / unit) * unit).astype(x.dtype)
    return jnp.round(x, decimals)


@op
def clip(x: ArrayLike, x_min: ArrayLike, x_max: ArrayLike) -> Array:
    """Clips elements to the interval from `x_min` to `x_max`.

    Args:
        x: an array.
        x_min: the lower bound.
        x_max: the upper bound.

    Example:

    >>> import cornu
    >>> cornu.ops.clip([1, 5, 9], 2, 6).tolist()
    [2, 5, 6]
    """
    return jnp.clip(_to_number(x), to_operand(x_min), to_operand(x_max))


@op
def nan_to_num(
    x: ArrayLike, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Array:
    """Replaces NaN and infinities by finite numbers.

    Args:
        x: an array.
        nan: replaces NaN.
        posinf: replaces infinity; the largest number of the dtype by default.
        neginf: replaces negative infinity; the smallest number of the dtype by default.

    Example:

    >>> import cornu
    >>> cornu.ops.nan_to_num([float("nan"), 1.0]).tolist()
    [0.0, 1.0]
    """
    return jnp.nan_to_num(to_operand(x), nan=nan, posinf=posinf, neginf=neginf)


def _to_number(x: ArrayLike) -> Array:
    """Returns an array; booleans become integers, which `jnp.clip` does not do."""
    array = to_array(x)
    return array.astype("int32") if array.dtype == bool else array
