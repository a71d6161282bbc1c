"""Pooling: the maximum or the average over windows of the spatial axes."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from cornu import settings
from cornu.core.graph.op import op
from cornu.core.state.scope import announce_work
from cornu.ops.arguments import to_array, to_float
from cornu.ops.materialize import once
from cornu.ops.nn.windows import (
    check_padding,
    per_axis,
    prefers_slices,
    slices,
    spatial_axes,
)
from cornu.ops.precision import wide_dtype, widen
from cornu.types import Array, ArrayLike, DataFormat, Padding

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


@op
def max_pool(
    inputs: ArrayLike,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Array:
    """Computes the maximum of each window.

    Args:
        inputs: an array with at least one spatial axis.
        pool_size: the size of the window, one integer or one per spatial axis.
        strides: the distance between windows; `pool_size` by default.
        padding: `"valid"` for windows inside the input only; `"same"` for
            `ceil(size / stride)` windows, in which elements outside the input are ignored.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.

    Shapes:
        inputs (batch, ..., channels) -> (batch, ..., channels) for channels_last.

    Example:

    >>> import cornu
    >>> cornu.ops.max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[3.0], [2.0]]]

    Note: if several elements are equal to the maximum, the gradient flows to the first of them, as
    in Keras and PyTorch.

    Fixes: the default strides are those of the window; Keras 3.15 on JAX raises an error unless
    `strides` is passed.
    """
    inputs = to_array(inputs)
    x = inputs
    window, steps, pads = _window_arguments(x, pool_size, strides, padding, data_format, "max_pool")
    lowest = _lowest(x.dtype)
    if prefers_slices(x, window, "max_pooling"):
        return _largest(_pad(x, lowest, pads), window, steps)
    return lax.reduce_window(x, lowest, lax.max, window, steps, pads)


@op
def average_pool(
    inputs: ArrayLike,
    pool_size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Array:
    """Computes the average of each window.

    Args:
        inputs: an array with at least one spatial axis.
        pool_size: the size of the window, one integer or one per spatial axis.
        strides: the distance between windows; `pool_size` by default.
        padding: `"valid"` for windows inside the input only; `"same"` for
            `ceil(size / stride)` windows, averaged over the elements inside the input.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.

    Shapes:
        inputs (batch, ..., channels) -> (batch, ..., channels) for channels_last.

    Example:

    >>> import cornu
    >>> cornu.ops.average_pool([[[1.0], [3.0], [5.0]]], 2, padding="same").tolist()
    [[[2.0], [5.0]]]

    Note: PyTorch's `avg_pool` includes the padding by default (`count_include_pad=True`).

    Fixes: the default strides are those of the window; Keras 3.15 on JAX raises an error unless
    `strides` is passed.
    """
    inputs = to_array(inputs)
    x = to_float(inputs)
    window, steps, pads = _window_arguments(
        x, pool_size, strides, padding, data_format, "average_pool"
    )
    wide, zero = widen(x), np.zeros((), wide_dtype(x.dtype))
    if prefers_slices(x, window, "average_pooling"):
        total = _total(_pad(wide, zero, pads), window, steps)
    else:
        total = lax.reduce_window(wide, zero, lax.add, window, steps, pads)
    valid = check_padding(padding) == "VALID"
    average = total / (math.prod(window) if valid else _count_inside(x, total, window, steps, pads))
    return average.astype(x.dtype)


@op
def adaptive_average_pool(
    inputs: ArrayLike, output_size: int | Sequence[int], data_format: DataFormat | None = None
) -> Array:
    """Computes the average of windows that divide each spatial axis into `output_size` parts.

    Part `i` of `n` along an axis of size `s` covers `floor(i * s / n)` to `ceil((i + 1) * s / n)`.

    Args:
        inputs: an array with at least one spatial axis.
        output_size: the number of windows, one integer or one per spatial axis.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.

    Example:

    >>> import cornu
    >>> cornu.ops.adaptive_average_pool([[[0.0], [2.0], [4.0]]], 2).tolist()
    [[[1.0], [3.0]]]
    """
    inputs = to_array(inputs)
    x = to_float(inputs)
    return _adaptive_pool(widen(x), output_size, data_format, _average_part).astype(x.dtype)


@op
def adaptive_max_pool(
    inputs: ArrayLike, output_size: int | Sequence[int], data_format: DataFormat | None = None
) -> Array:
    """Computes the maximum of windows that divide each spatial axis into `output_size` parts.

    Part `i` of `n` along an axis of size `s` covers `floor(i * s / n)` to `ceil((i + 1) * s / n)`.

    Args:
        inputs: an array with at least one spatial axis.
        output_size: the number of windows, one integer or one per spatial axis.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.

    Example:

    >>> import cornu
    >>> cornu.ops.adaptive_max_pool([[[0.0], [2.0], [4.0]]], 2).tolist()
    [[[2.0], [4.0]]]

    Note: if several elements are equal to the maximum, the gradient flows to the first of them, as
    in Keras and PyTorch.
    """
    inputs = to_array(inputs)
    return _adaptive_pool(inputs, output_size, data_format, _max_part)


def _window_arguments(
    x: Array, pool_size: Any, strides: Any, padding: str, data_format: str | None, op_name: str
) -> tuple[tuple[int, ...], tuple[int, ...], list[tuple[Any, Any]]]:
    """Returns window, strides and padding with one entry per axis of `x`."""
    axes = spatial_axes(x.ndim, settings.data_format(data_format), op_name)
    sizes = per_axis(pool_size, len(axes), "pool_size")
    steps = sizes if strides is None else per_axis(strides, len(axes), "strides")
    window, stride = [1] * x.ndim, [1] * x.ndim
    for axis, size, step in zip(axes, sizes, steps, strict=True):
        window[axis], stride[axis] = size, step
    pads = lax.padtype_to_pads(x.shape, window, stride, check_padding(padding))
    return tuple(window), tuple(stride), list(pads)


def _lowest(dtype: Any) -> Any:
    lowest = -np.inf if jnp.issubdtype(dtype, jnp.floating) else jnp.iinfo(dtype).min
    return np.asarray(lowest, dtype)


def _pad(x: Array, value: Any, pads: list[tuple[int, int]]) -> Array:
    if not any(low or high for low, high in pads):
        return x
    return lax.pad(x, value, [(low, high, 0) for low, high in pads])


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _sum(x: Array, window: tuple[int, ...], steps: tuple[int, ...]) -> Array:
    return functools.reduce(lax.add, slices(x, window, steps))


@_sum.defjvp
def _sum_jvp(
    window: tuple[int, ...], steps: tuple[int, ...], primals: Any, tangents: Any
) -> tuple[Array, Array]:
    ((x,), (dx,)) = primals, tangents
    # For windows without overlap, the transpose of a reshape is one pass over the input, and that
    # of slices one pass per position.
    tangent = _sum_of_tiles(_tiles(dx, window)) if window == steps else _sum(dx, window, steps)
    return _sum(x, window, steps), tangent


# Compiled, so that an eager call also runs as a single program.
_total = jax.jit(_sum, static_argnums=(1, 2))


# XLA's gradient of reduce_window, select-and-scatter, searches every window again, one element at a
# time on CPU. This gradient uses the index of the position of the maximum instead, the first one if
# several are equal. A custom_jvp, unlike a custom_vjp, also supports forward-mode differentiation.
# Without a gradient, reduce_window is used: XLA would fuse slices with the preceding operation and
# read the result of a convolution with strides (the forward pass of a CNN took 3 times as long).
@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def _maximum(x: Array, window: tuple[int, ...], steps: tuple[int, ...]) -> Array:
    return lax.reduce_window(x, _lowest(x.dtype), lax.max, window, steps, "VALID")


@_maximum.defjvp
def _maximum_jvp(
    window: tuple[int, ...], steps: tuple[int, ...], primals: Any, tangents: Any
) -> tuple[Array, Array]:
    best, *rest = slices(primals[0], window, steps)
    # 8 bits suffice for the positions of a window, of which there are at most 27.
    argmax = jnp.zeros(best.shape, jnp.int8)
    for position, value in enumerate(rest, 1):
        argmax = jnp.where(value > best, jnp.int8(position), argmax)
        best = lax.max(best, value)
    argmax = once(argmax)
    if window == steps:
        # As in `_sum_jvp`, tiles are transposed in one pass over the input.
        tangent = jnp.where(
            _expand_to_tiles(argmax) == _position_indices(window), _tiles(tangents[0], window), 0
        )
        return best, _sum_of_tiles(tangent)
    parts = enumerate(slices(tangents[0], window, steps))
    return best, functools.reduce(lax.add, [jnp.where(argmax == i, t, 0) for i, t in parts])


def _tiles(x: Array, window: tuple[int, ...]) -> Array:
    """Splits each axis into two, the index of the window and the position within the window."""
    counts = [n // size for n, size in zip(x.shape, window, strict=True)]
    x = lax.slice(x, [0] * x.ndim, [c * size for c, size in zip(counts, window, strict=True)])
    return x.reshape([part for pair in zip(counts, window, strict=True) for part in pair])


def _sum_of_tiles(tiles: Array) -> Array:
    return tiles.sum(range(1, tiles.ndim, 2))


def _expand_to_tiles(x: Array) -> Array:
    """Reshapes one value per window so that it broadcasts to tiles."""
    return jnp.expand_dims(x, range(1, 2 * x.ndim, 2))


def _position_indices(window: tuple[int, ...]) -> np.ndarray:
    """Returns the index of each position of a window, in the layout of a tile."""
    indices = np.arange(math.prod(window), dtype=np.int8)
    return indices.reshape([part for size in window for part in (1, size)])


# Compiled for the same reason as `_total`.
_largest = jax.jit(_maximum, static_argnums=(1, 2))


def _count_inside(x: Array, total: Array, window: Any, steps: Any, pads: Any) -> Array:
    """Returns the number of elements of each window that lie inside the input."""
    # A product of one factor per axis: counting with a second pooling would cost as much as the
    # first.
    counts = jnp.ones((), total.dtype)
    for axis, (size, step, (low, _)) in enumerate(zip(window, steps, pads, strict=True)):
        if size > 1:
            start = jnp.arange(total.shape[axis]) * step - low
            inside = jnp.minimum(start + size, x.shape[axis]) - jnp.maximum(start, 0)
            along = [1] * x.ndim
            along[axis] = total.shape[axis]
            counts = counts * inside.reshape(along).astype(total.dtype)
    return counts


def _adaptive_pool(
    x: Array, output_size: Any, data_format: str | None, reduce: Callable[..., Array]
) -> Array:
    axes = spatial_axes(x.ndim, settings.data_format(data_format), "adaptive pooling")
    for axis, parts in zip(axes, per_axis(output_size, len(axes), "output_size"), strict=True):
        x = reduce(x, axis, parts)
    return x


def _average_part(x: Array, axis: int, parts: int) -> Array:
    windows, index, inside = _parts(x, axis, parts)
    weights = (inside / inside.sum(1, keepdims=True)).astype(x.dtype)
    weights = weights.reshape(index.shape + (1,) * (x.ndim - axis - 1))
    return jnp.sum(windows * weights, axis=axis + 1)


def _max_part(x: Array, axis: int, parts: int) -> Array:
    return _first_maximum(_parts(x, axis, parts)[0], axis + 1)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1,))
def _first_maximum(x: Array, axis: int) -> Array:
    return jnp.max(x, axis)


# The derivative of `jnp.max` is shared among equal maxima, unlike that of all other pooling.
@_first_maximum.defjvp
def _first_maximum_jvp(axis: int, primals: Any, tangents: Any) -> tuple[Array, Array]:
    (x,), (dx,) = primals, tangents
    first = lax.broadcasted_iota("int32", x.shape, axis) == jnp.argmax(x, axis, keepdims=True)
    return jnp.max(x, axis), jnp.sum(jnp.where(first, dx, 0), axis)


def _parts(x: Array, axis: int, parts: int) -> tuple[Array, np.ndarray, np.ndarray]:
    """Returns the parts of an axis stacked, padded to the length of the longest part.

    Shorter parts repeat their last element. The second array contains the indices of the elements
    along the axis, the third one is True for elements that are not padding.
    """
    size = x.shape[axis]
    # Three numbers for each element, at least one of them in each part.
    announce_work("numbers in memory", 3 * (size + parts))
    start = np.arange(parts) * size // parts
    stop = -(-np.arange(1, parts + 1) * size // parts)
    reach = start[:, None] + np.arange((stop - start).max())
    index = np.minimum(reach, stop[:, None] - 1)
    # Parts of equal size need no gather.
    if size % parts == 0:
        shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
        return x.reshape(shape), index, reach < stop[:, None]
    return jnp.take(x, index, axis=axis), index, reach < stop[:, None]
