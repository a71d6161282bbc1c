"""Functions of the backend for networks: convolutions, pooling, losses, padding, dropout."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu import ops
from cornu.core.graph.op import op
from cornu.ops.random import dropout as random_dropout
from cornu.types import DataFormat, Padding

__all__ = ["FUNCTIONS"]


def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Any:
    """Returns the crossentropy of each element."""
    return ops.binary_crossentropy(target, output, from_logits=from_logits)


def categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Returns the crossentropy along an axis."""
    return ops.categorical_crossentropy(target, output, from_logits=from_logits, axis=axis)


@op
def sparse_categorical_crossentropy(
    target: Any, output: Any, from_logits: bool = False, axis: int = -1
) -> Any:
    """Returns the crossentropy with integer labels, in the shape of the output without the axis."""
    labels = jnp.reshape(jnp.asarray(target, "int32"), np.delete(output.shape, axis).tolist())
    return ops.sparse_categorical_crossentropy(labels, output, from_logits=from_logits, axis=axis)


def _format(data_format: str | None) -> DataFormat:
    return "channels_first" if data_format == "channels_first" else "channels_last"


def conv1d(
    x: Any,
    kernel: Any,
    strides: Any = 1,
    padding: Any = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Computes a convolution over one axis; `padding` may be "causal"."""
    if padding == "causal":
        left = dilation_rate * (kernel.shape[0] - 1)
        x, padding = temporal_padding(x, (left, 0)), "valid"
    return ops.conv(x, kernel, strides, padding, _format(data_format), dilation_rate)


def conv2d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Computes a convolution of images with a kernel (rows, columns, in, out)."""
    return ops.conv(x, kernel, strides, padding, _format(data_format), dilation_rate)


def conv3d(
    x: Any,
    kernel: Any,
    strides: Any = (1, 1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1, 1),
) -> Any:
    """Computes a convolution of volumes."""
    return ops.conv(x, kernel, strides, padding, _format(data_format), dilation_rate)


@op
def _transpose(
    x: Any, kernel: Any, sizes: Any, strides: Any, padding: Padding, data_format: str, dilation: Any
) -> Any:
    """Computes the gradient of a convolution of an image of the given sizes."""
    rank = len(sizes)
    spatial = "DHW"[-rank:]
    last = data_format == "channels_last"
    names = (f"N{spatial}C" if last else f"NC{spatial}", f"{spatial}IO")
    layout = (names[0], names[1], names[0])
    strides = (strides,) * rank if isinstance(strides, int) else tuple(strides)
    dilation = (dilation,) * rank if isinstance(dilation, int) else tuple(dilation)
    # The kernel is (..., out, in) of the transposed convolution.
    channels = kernel.shape[-2]
    shape = (x.shape[0], *sizes, channels) if last else (x.shape[0], channels, *sizes)

    def forward(image: Any) -> Any:
        return jax.lax.conv_general_dilated(
            image,
            kernel,
            strides,
            padding.upper(),
            rhs_dilation=dilation,
            dimension_numbers=layout,
        )

    (result,) = jax.linear_transpose(forward, jax.ShapeDtypeStruct(shape, x.dtype))(x)
    return result


def _sizes(output_shape: Any, data_format: str) -> tuple[int, ...]:
    shape = tuple(output_shape)
    found = shape[1:-1] if data_format == "channels_last" else shape[2:]
    return tuple(int(size) for size in found)


def conv2d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Computes a transposed convolution to images of `output_shape`."""
    order = _format(data_format)
    sizes = _sizes(output_shape, order)
    return _transpose(x, kernel, sizes, strides, padding, order, dilation_rate)


def conv3d_transpose(
    x: Any,
    kernel: Any,
    output_shape: Any,
    strides: Any = (1, 1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
) -> Any:
    """Computes a transposed convolution to volumes of `output_shape`."""
    order = _format(data_format)
    return _transpose(x, kernel, _sizes(output_shape, order), strides, padding, order, 1)


def depthwise_conv2d(
    x: Any,
    depthwise_kernel: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Computes a convolution of each channel."""
    order = _format(data_format)
    return ops.depthwise_conv(x, depthwise_kernel, strides, padding, order, dilation_rate)


def separable_conv1d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Any:
    """Computes a convolution of each channel over one axis, and of all channels at each point."""
    kernels = (depthwise_kernel, pointwise_kernel)
    return ops.separable_conv(x, *kernels, strides, padding, _format(data_format), dilation_rate)


def separable_conv2d(
    x: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    dilation_rate: Any = (1, 1),
) -> Any:
    """Computes a convolution of each channel, and one of all channels at each point."""
    kernels = (depthwise_kernel, pointwise_kernel)
    return ops.separable_conv(x, *kernels, strides, padding, _format(data_format), dilation_rate)


@op
def local_conv1d(
    inputs: Any, kernel: Any, kernel_size: Any, strides: Any, data_format: Any = None
) -> Any:
    """Computes a convolution over one axis whose kernel differs at each position."""
    (size,), (step,) = kernel_size, strides
    parts = [
        inputs[:, i * step : i * step + size].reshape(inputs.shape[0], -1)
        for i in range(kernel.shape[0])
    ]
    return jnp.einsum("pbk,pkf->bpf", jnp.stack(parts), kernel)


@op
def local_conv2d(
    inputs: Any,
    kernel: Any,
    kernel_size: Any,
    strides: Any,
    output_shape: Any,
    data_format: Any = None,
) -> Any:
    """Computes a convolution of images whose kernel differs at each position."""
    (rows, columns), (down, right), (height, width) = kernel_size, strides, output_shape
    first = data_format == "channels_first"
    parts = []
    for i in range(height):
        for j in range(width):
            ys = slice(i * down, i * down + rows)
            xs = slice(j * right, j * right + columns)
            part = inputs[:, :, ys, xs] if first else inputs[:, ys, xs]
            parts.append(part.reshape(inputs.shape[0], -1))
    found = jnp.einsum("pbk,pkf->bpf", jnp.stack(parts), kernel)
    found = found.reshape(inputs.shape[0], height, width, kernel.shape[-1])
    return jnp.moveaxis(found, -1, 1) if first else found


def _pool(
    x: Any, size: Any, strides: Any, padding: Padding, data_format: str | None, mode: str
) -> Any:
    if mode not in ("max", "avg"):
        raise ValueError(f"pool_mode must be 'max' or 'avg'. Received: {mode!r}")
    pool = ops.max_pool if mode == "max" else ops.average_pool
    return pool(x, tuple(size), tuple(strides), padding, _format(data_format))


def pool2d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """Computes the maximum or the mean of windows of images."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


def pool3d(
    x: Any,
    pool_size: Any,
    strides: Any = (1, 1, 1),
    padding: Padding = "valid",
    data_format: str | None = None,
    pool_mode: str = "max",
) -> Any:
    """Computes the maximum or the mean of windows of volumes."""
    return _pool(x, pool_size, strides, padding, data_format, pool_mode)


@op
def bias_add(x: Any, bias: Any, data_format: str | None = None) -> Any:
    """Adds a bias to the channels; a bias with more axes has the shape of a sample."""
    if bias.ndim > 1:
        first = data_format == "channels_first"
        return x + (jnp.moveaxis(bias, -1, 0) if first else bias)[None]
    if data_format == "channels_first" and x.ndim > 2:
        return x + bias.reshape(-1, *(1,) * (x.ndim - 2))
    return x + bias


@op
def temporal_padding(x: Any, padding: Any = (1, 1)) -> Any:
    """Adds zeros before and after the second axis."""
    return jnp.pad(x, ((0, 0), tuple(padding), (0, 0)))


@op
def _pad_spatial(x: Any, padding: Any, data_format: str) -> Any:
    pairs = [tuple(pair) for pair in padding]
    last = data_format == "channels_last"
    return jnp.pad(x, [(0, 0), *pairs, (0, 0)] if last else [(0, 0), (0, 0), *pairs])


def spatial_2d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1)), data_format: str | None = None
) -> Any:
    """Adds zeros around images."""
    return _pad_spatial(x, padding, _format(data_format))


def spatial_3d_padding(
    x: Any, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None
) -> Any:
    """Adds zeros around volumes."""
    return _pad_spatial(x, padding, _format(data_format))


def resize_images(
    x: Any,
    height_factor: int,
    width_factor: int,
    data_format: DataFormat,
    interpolation: str = "nearest",
) -> Any:
    """Enlarges images by repeating pixels, or by bilinear interpolation."""
    rows, columns = (1, 2) if data_format == "channels_last" else (2, 3)
    if interpolation == "nearest":
        return ops.repeat(ops.repeat(x, height_factor, rows), width_factor, columns)
    size = (x.shape[rows] * height_factor, x.shape[columns] * width_factor)
    return ops.image.resize(x, size, interpolation=interpolation, data_format=data_format)


def resize_volumes(
    x: Any, depth_factor: int, height_factor: int, width_factor: int, data_format: str
) -> Any:
    """Enlarges volumes by repeating voxels."""
    start = 1 if data_format == "channels_last" else 2
    for axis, factor in enumerate((depth_factor, height_factor, width_factor), start):
        x = ops.repeat(x, factor, axis)
    return x


def dropout(x: Any, level: float, noise_shape: Any = None, seed: int | None = None) -> Any:
    """Sets a share `level` of the elements to zero, and divides the others by `1 - level`."""
    return random_dropout(x, level, noise_shape, seed)


@op
def batch_normalization(
    x: Any,
    mean: Any,
    var: Any,
    beta: Any,
    gamma: Any,
    axis: int = -1,
    epsilon: float = 1e-3,
) -> Any:
    """Computes `gamma * (x - mean) / sqrt(var + epsilon) + beta`."""
    scaled = (x - mean) * jax.lax.rsqrt(var + epsilon)
    scaled = scaled if gamma is None else scaled * gamma
    return scaled if beta is None else scaled + beta


@op
def normalize_batch_in_training(
    x: Any, gamma: Any, beta: Any, reduction_axes: Any, epsilon: float = 1e-3
) -> tuple[Any, Any, Any]:
    """Normalizes by mean and variance over axes; returns the result, the mean and the variance."""
    axes = tuple(reduction_axes)
    mean, var = jnp.mean(x, axes), jnp.var(x, axes)
    shape = [1 if i in axes else n for i, n in enumerate(x.shape)]
    result = (x - mean.reshape(shape)) * jax.lax.rsqrt(var.reshape(shape) + epsilon)
    result = result if gamma is None else result * gamma.reshape(shape)
    return (result if beta is None else result + beta.reshape(shape)), mean, var


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        *(batch_normalization, bias_add, binary_crossentropy, categorical_crossentropy, conv1d),
        *(conv2d, conv2d_transpose, conv3d, conv3d_transpose, depthwise_conv2d, dropout),
        *(local_conv1d, local_conv2d, normalize_batch_in_training, pool2d, pool3d, resize_images),
        *(resize_volumes, separable_conv1d, separable_conv2d, sparse_categorical_crossentropy),
        *(spatial_2d_padding, spatial_3d_padding, temporal_padding),
    )
}
