"""Convolutions over any number of spatial axes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float
from cornu.ops.nn.windows import (
    accumulator,
    check_padding,
    per_axis,
    prefers_slices,
    slices,
    spatial_axes,
)
from cornu.types import Array, ArrayLike, DataFormat, Padding

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


@op
def conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: int | Sequence[int] = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Array:
    """Computes the convolution (cross-correlation) of an input with a kernel.

    `y[b, i, o] = sum over k, c of x[b, i * stride + k * dilation, c] * kernel[k, c, o]`. If the
    kernel has fewer input channels than the input, it is a grouped convolution.

    Args:
        inputs: an array with at least one spatial axis.
        kernel: the kernel; the input is cast to its dtype.
        strides: the strides, one integer or one per spatial axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        dilation_rate: the distance between the elements under the kernel.

    Shapes:
        inputs (batch, ..., channels), kernel (..., channels / groups, filters)
        -> (batch, ..., filters) for channels_last.

    Raises:
        ValueError: the channels do not match, or the input is smaller than the kernel.

    Example:

    >>> import cornu
    >>> cornu.ops.conv([[[1.0], [2.0], [4.0]]], [[[1.0]], [[10.0]]]).tolist()
    [[[21.0], [42.0]]]
    """
    inputs, kernel = to_array(inputs), to_float(kernel)
    # The kernel decides the dtype: a layer has cast it to its compute dtype.
    x = inputs.astype(kernel.dtype)
    data_format = settings.data_format(data_format)
    rank = len(spatial_axes(x.ndim, data_format, "conv"))
    channels = _channels(x, data_format)
    _check_kernel(kernel, rank)
    if channels % kernel.shape[-2] or kernel.shape[-1] % (channels // kernel.shape[-2]):
        raise ValueError(
            f"The input has {channels} channels ({data_format}), but a kernel of shape "
            f"{kernel.shape} requires {kernel.shape[-2]}, or a multiple of it whose number of "
            f"groups divides the {kernel.shape[-1]} filters."
        )
    return _convolve(x, kernel, strides, padding, data_format, dilation_rate)


@op
def depthwise_conv(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: int | Sequence[int] = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Array:
    """Computes the convolution of each channel with its own kernels.

    Args:
        inputs: an array with at least one spatial axis.
        kernel: the kernels of the channels.
        strides: the strides, one integer or one per spatial axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        dilation_rate: the distance between the elements under the kernel.

    Shapes:
        inputs (batch, ..., channels), kernel (..., channels, multiplier)
        -> (batch, ..., channels * multiplier) for channels_last.

    Raises:
        ValueError: the channels of input and kernel differ.

    Example:

    >>> import cornu
    >>> cornu.ops.depthwise_conv([[[1.0, 1.0], [2.0, 2.0]]], [[[1.0], [10.0]]]).tolist()
    [[[1.0, 10.0], [2.0, 20.0]]]
    """
    inputs, kernel = to_array(inputs), to_float(kernel)
    x = inputs.astype(kernel.dtype)
    data_format = settings.data_format(data_format)
    rank = len(spatial_axes(x.ndim, data_format, "depthwise_conv"))
    _check_kernel(kernel, rank)
    *sizes, channels, multiplier = kernel.shape
    _check_channels(_channels(x, data_format), channels, kernel, data_format)
    if prefers_slices(x, sizes, "depthwise_convolution"):
        steps = per_axis(strides, rank, "strides")
        rates = per_axis(dilation_rate, rank, "dilation_rate")
        _check_size(x, kernel, padding, data_format, rates)
        axis = x.ndim - 1 if data_format == "channels_last" else 1
        return _sum_of_slices(x, kernel, steps, check_padding(padding), rates, axis)
    # XLA expresses it as a grouped convolution with one input channel per group.
    kernel = kernel.reshape(*sizes, 1, channels * multiplier)
    return _convolve(x, kernel, strides, padding, data_format, dilation_rate)


@op
def separable_conv(
    inputs: ArrayLike,
    depthwise_kernel: ArrayLike,
    pointwise_kernel: ArrayLike,
    strides: int | Sequence[int] = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Array:
    """Computes a depthwise convolution, followed by a pointwise one that mixes the channels.

    Args:
        inputs: an array with at least one spatial axis.
        depthwise_kernel: the kernel of the depthwise convolution.
        pointwise_kernel: the kernel of the pointwise convolution.
        strides: the strides, one integer or one per spatial axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        dilation_rate: the distance between the elements under the depthwise kernel.

    Shapes:
        inputs (batch, ..., channels), depthwise_kernel (..., channels, multiplier),
        pointwise_kernel (1, ..., channels * multiplier, filters)
        -> (batch, ..., filters) for channels_last.

    Raises:
        ValueError: the channels do not match.

    Example:

    >>> import cornu
    >>> each, mixed = [[[1.0], [10.0]]], [[[1.0], [1.0]]]
    >>> cornu.ops.separable_conv([[[1.0, 1.0], [2.0, 2.0]]], each, mixed).tolist()
    [[[11.0], [22.0]]]
    """
    inputs, depthwise_kernel, pointwise_kernel = (
        to_array(inputs),
        to_array(depthwise_kernel),
        to_array(pointwise_kernel),
    )
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, data_format=data_format)


@op
def conv_transpose(
    inputs: ArrayLike,
    kernel: ArrayLike,
    strides: int | Sequence[int] = 1,
    padding: Padding = "valid",
    output_padding: int | Sequence[int] | None = None,
    data_format: DataFormat | None = None,
    dilation_rate: int | Sequence[int] = 1,
) -> Array:
    """Computes the transpose (gradient with respect to the input) of a convolution.

    With `k = (kernel size - 1) * dilation + 1`, the size `n` of an axis becomes

    * valid: `(n - 1) * stride + k + output_padding`, by default at least `n * stride`;
    * same: `(n - 1) * stride + k % 2 + output_padding`, by default `n * stride`.

    Args:
        inputs: an array with at least one spatial axis.
        kernel: the kernel, filters before channels.
        strides: the strides, one integer or one per spatial axis.
        padding: `"valid"` or `"same"`.
        output_padding: the size added at the end of each axis, one integer or one per axis.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        dilation_rate: the distance between the elements of the kernel.

    Shapes:
        inputs (batch, ..., channels), kernel (..., filters, channels)
        -> (batch, ..., filters) for channels_last.

    Raises:
        ValueError: the channels of input and kernel differ.

    Example:

    >>> import cornu
    >>> cornu.ops.conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[10.0]]], strides=2).tolist()
    [[[1.0], [10.0], [2.0], [20.0]]]

    References: Dumoulin and Visin (2016), "A guide to convolution arithmetic for deep learning".

    Note: PyTorch's `padding` is the number of elements removed at both ends.
    """
    inputs, kernel = to_array(inputs), to_float(kernel)
    x = inputs.astype(kernel.dtype)
    data_format = settings.data_format(data_format)
    rank = len(spatial_axes(x.ndim, data_format, "conv_transpose"))
    _check_kernel(kernel, rank)
    _check_channels(_channels(x, data_format), kernel.shape[-1], kernel, data_format)
    steps = per_axis(strides, rank, "strides")
    rates = per_axis(dilation_rate, rank, "dilation_rate")
    extra: tuple[int | None, ...] = (None,) * rank
    if output_padding is not None:
        extra = per_axis(output_padding, rank, "output_padding")
    mode = check_padding(padding)
    pads = [
        _transposed_padding((size - 1) * rate + 1, step, mode, more)
        for size, rate, step, more in zip(kernel.shape[:-2], rates, steps, extra, strict=True)
    ]
    # With `transpose_kernel`, JAX takes the kernel of the forward convolution, whose output
    # channels are the input channels here.
    return lax.conv_transpose(
        x,
        kernel,
        steps,
        pads,
        rhs_dilation=rates,
        dimension_numbers=_axis_names(rank, data_format),
        transpose_kernel=True,
    )


def _channels(x: Array, data_format: str) -> int:
    return x.shape[-1 if data_format == "channels_last" else 1]


def _axis_names(rank: int, data_format: str) -> tuple[str, str, str]:
    """Returns the dimension numbers of input, kernel and output in the notation of `jax.lax`."""
    spatial = "".join(str(axis) for axis in range(rank))
    data = f"N{spatial}C" if data_format == "channels_last" else f"NC{spatial}"
    return data, f"{spatial}IO", data


def _convolve(
    x: Array, kernel: Array, strides: Any, padding: str, data_format: str, dilation_rate: Any
) -> Array:
    rank = x.ndim - 2
    rates = per_axis(dilation_rate, rank, "dilation_rate")
    steps = per_axis(strides, rank, "strides")
    channels = _channels(x, data_format)
    _check_size(x, kernel, padding, data_format, rates)
    return lax.conv_general_dilated(
        x,
        kernel,
        window_strides=steps,
        padding=check_padding(padding),
        rhs_dilation=rates,
        dimension_numbers=_axis_names(rank, data_format),
        feature_group_count=channels // kernel.shape[-2],
    )


# Compiled, so that an eager call also runs as a single program.
@functools.partial(jax.jit, static_argnums=(2, 3, 4, 5))
def _sum_of_slices(
    x: Array, kernel: Array, steps: tuple[int, ...], mode: str, rates: tuple[int, ...], axis: int
) -> Array:
    """Returns the depthwise convolution as a sum over the positions of the kernel."""
    *sizes, channels, multiplier = kernel.shape
    dtype, wide = x.dtype, accumulator(x.dtype)
    x, kernel = x.astype(wide), kernel.astype(wide)
    window, strides, dilation = (_insert_ones(v, axis) for v in (sizes, steps, rates))
    reach = [(size - 1) * rate + 1 for size, rate in zip(window, dilation, strict=True)]
    x = jnp.pad(x, lax.padtype_to_pads(x.shape, reach, strides, mode))
    # A new axis after that of the channels holds the outputs of each channel.
    weights = kernel.reshape(-1, channels, multiplier, *[1] * (x.ndim - 1 - axis))
    parts = slices(x, window, strides, dilation)
    terms = (jnp.expand_dims(part, axis + 1) * w for part, w in zip(parts, weights, strict=True))
    y = functools.reduce(lax.add, terms).astype(dtype)
    return y.reshape(*y.shape[:axis], channels * multiplier, *y.shape[axis + 2 :])


def _insert_ones(values: Sequence[int], axis: int) -> list[int]:
    """Inserts 1 for the batch and channel axes into values of the spatial axes."""
    with_batch = [1, *values]
    return [*with_batch[:axis], 1, *with_batch[axis:]]


def _check_size(
    x: Array, kernel: Array, padding: str, data_format: str, rates: tuple[int, ...]
) -> None:
    if check_padding(padding) == "SAME":
        return
    sizes = x.shape[1:-1] if data_format == "channels_last" else x.shape[2:]
    for size, width, rate in zip(sizes, kernel.shape[:-2], rates, strict=True):
        # An unknown size is not an integer, and is assumed to be large enough.
        if isinstance(size, int) and size < (width - 1) * rate + 1:
            raise ValueError(
                f"The convolution has no output: the input of shape {x.shape} ({data_format}) is "
                f"smaller than the kernel of shape {kernel.shape} with padding={padding!r}, "
                f"dilation_rate={rates}. Use padding='same', or a larger input."
            )


def _check_kernel(kernel: Array, rank: int) -> None:
    if kernel.ndim != rank + 2:
        raise ValueError(
            f"An input with {rank} spatial axes requires a kernel with {rank + 2} axes. "
            f"Received a kernel of shape {kernel.shape}"
        )


def _check_channels(channels: int, expected: int, kernel: Array, data_format: str) -> None:
    if channels != expected:
        raise ValueError(
            f"The input has {channels} channels ({data_format}), but a kernel of shape "
            f"{kernel.shape} requires {expected}."
        )


def _transposed_padding(size: int, step: int, mode: str, extra: int | None) -> tuple[int, int]:
    """Returns the padding of the dilated input that gives the documented output size."""
    # XLA pads the input after dilating it by the stride to size (n - 1) * stride + 1.
    if mode == "VALID":
        extra = max(step - size, 0) if extra is None else extra
        return size - 1, size - 1 + extra
    total = step + size - 2 if extra is None else size + size % 2 - 2 + extra
    low = min(total - total // 2, size - 1)
    return low, total - low
