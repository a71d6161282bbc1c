"""Sliding windows over the spatial axes of an array, shared by convolution and pooling."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from cornu.core.target import applies

__all__ = ["accumulator", "check_padding", "per_axis", "prefers_slices", "slices", "spatial_axes"]

# 3 x 3 x 3. Larger windows use the ops of XLA, because the compile time grows with each position.
_MAX_SLICES = 27


def per_axis(value: Any, rank: int, name: str) -> tuple[int, ...]:
    """Returns one integer per spatial axis; a single integer applies to all of them."""
    if isinstance(value, (int, np.integer)):
        return (int(value),) * rank
    values = tuple(value)
    # As in Keras, a list with a single element applies to all axes.
    if len(values) == 1:
        values *= rank
    if len(values) != rank:
        raise ValueError(
            f"{name} must be an integer or {rank} integers, one per spatial axis of the input. "
            f"Received: {value}"
        )
    return values


def check_padding(padding: str) -> str:
    """Returns `"VALID"` or `"SAME"` in the spelling of XLA."""
    if not isinstance(padding, str) or padding.lower() not in ("valid", "same"):
        raise ValueError(f"padding must be 'valid' or 'same'. Received: {padding!r}")
    return padding.upper()


def spatial_axes(ndim: int, data_format: str, op_name: str) -> range:
    """Returns the spatial axes of an array, after checking that it has at least one."""
    if ndim < 3:
        raise ValueError(
            f"{op_name}: expected an array with a batch axis, at least one spatial axis and a "
            f"channel axis. Received an array with {ndim} axes."
        )
    return range(1, ndim - 1) if data_format == "channels_last" else range(2, ndim)


def prefers_slices(x: Array, window: Sequence[int], deviation: str) -> bool:
    """Returns whether to compute an op from `slices`, one for each position of a window.

    On CPU, XLA's pooling is 3 to 30 times slower than that, and its depthwise convolution 4 to 10
    times.

    Args:
        x: the input of the op.
        window: the size of the window.
        deviation: the name of the formulation in `cornu.deviations`.
    """
    # The bounds of slices must be known.
    known = all(isinstance(size, int) for size in x.shape)
    small = known and math.prod(window) <= _MAX_SLICES
    return small and applies(deviation)


def accumulator(dtype: Any) -> Any:
    """Returns the dtype in which values are summed: float32 for 16-bit floats."""
    return jnp.promote_types(dtype, "float32") if jnp.issubdtype(dtype, jnp.floating) else dtype


def slices(
    x: Array, window: Sequence[int], strides: Sequence[int], dilation: Sequence[int] | None = None
) -> list[Array]:
    """Returns strided slices of `x`, one for each position within a window.

    A slice contains the elements at that position for all placements of the window.
    `window`, `strides` and `dilation` have one entry per axis of `x`. The slices are in row-major
    order of the positions.
    """
    dilation = dilation or (1,) * x.ndim
    reach = [d * (size - 1) for size, d in zip(window, dilation, strict=True)]
    found = []
    for position in itertools.product(*map(range, window)):
        start = [d * p for d, p in zip(dilation, position, strict=True)]
        stop = [n - r + s for n, r, s in zip(x.shape, reach, start, strict=True)]
        found.append(lax.slice(x, start, stop, strides))
    return found
