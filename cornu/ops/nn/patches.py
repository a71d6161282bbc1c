"""Rearrangement of images: patches to columns and depth to space, and their inverses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float
from cornu.ops.nn.windows import per_axis, slices
from cornu.types import Array, ArrayLike, DataFormat

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]

_PairLike = int | Sequence[int]


@op
def unfold(
    x: ArrayLike,
    kernel_size: _PairLike,
    dilation: _PairLike = 1,
    padding: _PairLike = 0,
    stride: _PairLike = 1,
) -> Array:
    """Extracts the patches of images under a sliding window, as columns.

    Args:
        x: images, channels first.
        kernel_size: the height and width of the window.
        dilation: the distance between the pixels of a patch.
        padding: the number of zeros added at both ends of each axis.
        stride: the distance between windows.

    Shapes:
        x (batch, channels, height, width) -> (batch, channels * window, positions).

    Example:

    >>> import cornu
    >>> cornu.ops.unfold([[[[1, 2, 3], [4, 5, 6]]]], 2).tolist()
    [[[1, 2], [2, 3], [4, 5], [5, 6]]]
    """
    x = to_array(x)
    if x.ndim != 4:
        raise ValueError(
            f"unfold: expected shape (batch, channels, height, width). Received: {x.shape}"
        )
    size, rate, margin, step = _pairs(kernel_size, dilation, padding, stride)
    x = jnp.pad(x, ((0, 0), (0, 0), *((p, p) for p in margin)))
    patches = jnp.stack(slices(x, (1, 1, *size), (1, 1, *step), (1, 1, *rate)), axis=2)
    batch, channels, window, rows, columns = patches.shape
    return patches.reshape(batch, channels * window, rows * columns)


@op
def fold(
    x: ArrayLike,
    output_size: _PairLike,
    kernel_size: _PairLike,
    dilation: _PairLike = 1,
    padding: _PairLike = 0,
    stride: _PairLike = 1,
) -> Array:
    """Sums patches into images: the transpose of `unfold`.

    Args:
        x: patches as columns.
        output_size: the height and width of the images.
        kernel_size: the height and width of the window.
        dilation: the distance between the pixels of a patch.
        padding: the number of zeros that `unfold` adds at both ends of each axis.
        stride: the distance between windows.

    Shapes:
        x (batch, channels * window, positions) -> (batch, channels, height, width).

    Example:

    >>> import cornu
    >>> cornu.ops.fold(cornu.ops.ones((1, 4, 2)), (2, 3), 2).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]
    """
    x = to_float(x)
    if x.ndim != 3:
        raise ValueError(
            f"fold: expected shape (batch, channels * window, positions). Received: {x.shape}"
        )
    size, rate, margin, step = _pairs(kernel_size, dilation, padding, stride)
    image = per_axis(output_size, 2, "output_size")
    rows, columns = (
        (n + 2 * m - r * (k - 1) - 1) // s + 1
        for n, m, r, k, s in zip(image, margin, rate, size, step, strict=True)
    )
    window = size[0] * size[1]
    if x.shape[1] % window or x.shape[2] != rows * columns:
        raise ValueError(
            f"fold: images of {image[0]} x {image[1]} pixels require patches of shape (batch, "
            f"channels * {window}, {rows} * {columns}). Received: {x.shape}"
        )
    # `unfold` is linear, so that JAX derives its transpose, which sums overlapping patches.
    images = jax.ShapeDtypeStruct((x.shape[0], x.shape[1] // window, *image), x.dtype)
    return jax.linear_transpose(lambda y: unfold(y, size, rate, margin, step), images)(x)[0]


@op
def depth_to_space(
    x: ArrayLike, block_size: int, data_format: DataFormat | None = "channels_last"
) -> Array:
    """Rearranges the channels of each pixel into a block of `block_size` x `block_size` pixels.

    Args:
        x: images.
        block_size: the side of a block, at least 2; its square must divide the channels.
        data_format: `"channels_last"` or `"channels_first"`.

    Shapes:
        x (batch, height, width, channels)
        -> (batch, height * block, width * block, channels / block**2) for channels_last.

    Example:

    >>> import cornu
    >>> cornu.ops.depth_to_space([[[[1, 2, 3, 4]]]], 2).tolist()
    [[[[1], [2]], [[3], [4]]]]

    References: Shi et al. (2016), "Real-Time Single Image and Video Super-Resolution Using an
    Efficient Sub-Pixel Convolutional Neural Network".

    Note: for channels_last, the pixel within the block is the slowly varying part of the channel
    index, so that the results differ from PyTorch's `pixel_shuffle` in the order of the channels.
    """
    x = to_array(x)
    x, channels_last, b = _check_blocks(x, block_size, data_format)
    if channels_last:
        n, h, w, c = x.shape
        x = x.reshape(n, h, w, b, b, c // b**2).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(n, h * b, w * b, c // b**2)
    n, c, h, w = x.shape
    x = x.reshape(n, c // b**2, b, b, h, w).transpose(0, 1, 4, 2, 5, 3)
    return x.reshape(n, c // b**2, h * b, w * b)


@op
def space_to_depth(
    x: ArrayLike, block_size: int, data_format: DataFormat | None = "channels_last"
) -> Array:
    """Rearranges each block of `block_size` x `block_size` pixels into the channels of one pixel.

    Args:
        x: images.
        block_size: the side of a block, at least 2; it must divide height and width.
        data_format: `"channels_last"` or `"channels_first"`.

    Shapes:
        x (batch, height, width, channels)
        -> (batch, height / block, width / block, channels * block**2) for channels_last.

    Example:

    >>> import cornu
    >>> cornu.ops.space_to_depth([[[[1], [2]], [[3], [4]]]], 2).tolist()
    [[[[1, 2, 3, 4]]]]
    """
    x = to_array(x)
    x, channels_last, b = _check_blocks(x, block_size, data_format)
    if channels_last:
        n, h, w, c = x.shape
        x = x.reshape(n, h // b, b, w // b, b, c).transpose(0, 1, 3, 2, 4, 5)
        return x.reshape(n, h // b, w // b, c * b**2)
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // b, b, w // b, b).transpose(0, 1, 3, 5, 2, 4)
    return x.reshape(n, c * b**2, h // b, w // b)


def _pairs(
    kernel_size: _PairLike, dilation: _PairLike, padding: _PairLike, stride: _PairLike
) -> tuple[Any, ...]:
    return (
        per_axis(kernel_size, 2, "kernel_size"),
        per_axis(dilation, 2, "dilation"),
        per_axis(padding, 2, "padding"),
        per_axis(stride, 2, "stride"),
    )


def _check_blocks(x: Array, block_size: int, data_format: str | None) -> tuple[Array, bool, int]:
    if x.ndim != 4 or block_size < 2:
        raise ValueError(
            "Images must have four axes, and block_size must be at least 2. "
            f"Received: shape {x.shape}, block_size={block_size}"
        )
    return x, settings.data_format(data_format) == "channels_last", block_size
