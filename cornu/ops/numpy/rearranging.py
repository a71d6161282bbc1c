"""Repeating, reversing, shifting and padding elements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.graph.op import op
from cornu.ops.arguments import check_known, to_array, to_operand
from cornu.types import Array, ArrayLike, Axes

__all__ = [
    "flip",
    "fliplr",
    "flipud",
    "pad",
    "repeat",
    "roll",
    "rot90",
    "tile",
]


@op
def tile(x: ArrayLike, repeats: int | Sequence[int]) -> Array:
    """Repeats a whole array.

    Args:
        x: an array.
        repeats: the number of repetitions along each axis.

    Example:

    >>> import cornu
    >>> cornu.ops.tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    return jnp.tile(to_operand(x), repeats)


@op
def repeat(x: ArrayLike, repeats: int | Sequence[int] | Array, axis: int | None = None) -> Array:
    """Repeats each element.

    Args:
        x: an array.
        repeats: the number of repetitions; one number, or one for each element of the axis.
        axis: the axis; None for the flattened array.

    Example:

    >>> import cornu
    >>> cornu.ops.repeat([1, 2], 2).tolist()
    [1, 1, 2, 2]
    """
    check_known(repeats, "repeats", "Pass a number or a list of numbers.")
    # A list stays on the host: the size of the result must be known when this is traced.
    counts = np.asarray(repeats) if isinstance(repeats, Sequence) else repeats
    return jnp.repeat(to_operand(x), counts, axis=axis)


@op
def flip(x: ArrayLike, axis: Axes = None) -> Array:
    """Reverses the order of elements along axes.

    Args:
        x: an array.
        axis: the axis or axes; None for all of them.

    Example:

    >>> import cornu
    >>> cornu.ops.flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    return jnp.flip(to_operand(x), axis=axis)


@op
def fliplr(x: ArrayLike) -> Array:
    """Reverses the order along the second axis.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.fliplr([[1, 2], [3, 4]]).tolist()
    [[2, 1], [4, 3]]
    """
    return jnp.fliplr(to_operand(x))


@op
def flipud(x: ArrayLike) -> Array:
    """Reverses the order along the first axis.

    Args:
        x: an array.

    Example:

    >>> import cornu
    >>> cornu.ops.flipud([[1, 2], [3, 4]]).tolist()
    [[3, 4], [1, 2]]
    """
    return jnp.flipud(to_operand(x))


@op
def rot90(array: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Array:
    """Rotates by 90 degrees in the plane of two axes.

    Args:
        array: an array.
        k: the number of rotations.
        axes: the plane; the rotation is from the first axis toward the second.

    Example:

    >>> import cornu
    >>> cornu.ops.rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    return jnp.rot90(to_operand(array), k=k, axes=axes)


@op
def roll(x: ArrayLike, shift: int | Sequence[int], axis: Axes = None) -> Array:
    """Shifts elements along axes; those shifted beyond the last position reenter at the first.

    Args:
        x: an array.
        shift: the number of positions, for each axis.
        axis: the axes; None for the flattened array.

    Example:

    >>> import cornu
    >>> cornu.ops.roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    return jnp.roll(to_operand(x), shift, axis=axis)


@op
def pad(
    x: ArrayLike,
    pad_width: Any,
    mode: str = "constant",
    constant_values: float | None = None,
) -> Array:
    """Adds elements at the borders.

    Args:
        x: an array.
        pad_width: one number for all borders, (before, after) for all axes, or one such pair
            for each axis.
        mode: what is added: `"constant"`, `"edge"`, `"reflect"`, `"symmetric"`, `"wrap"` or
            another mode of `numpy.pad`.
        constant_values: the constant; 0 by default.

    Example:

    >>> import cornu
    >>> cornu.ops.pad([1, 2], [[1, 2]]).tolist()
    [0, 1, 2, 0, 0]
    """
    x = to_array(x)
    if constant_values is None:
        return jnp.pad(x, pad_width, mode)
    if mode != "constant":
        raise ValueError(f"pad: constant_values requires mode='constant'. Received: mode={mode!r}")
    return jnp.pad(x, pad_width, mode, constant_values=constant_values)
