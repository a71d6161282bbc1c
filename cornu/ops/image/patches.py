"""Extraction of patches from images and volumes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.ops.image.layout import spatial_axes
from cornu.ops.nn.windows import check_padding, per_axis, slices
from cornu.types import Array, ArrayLike, DataFormat, Padding

__all__ = [
    "extract_patches",
    "extract_patches_3d",
]


@op
def extract_patches(
    images: ArrayLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Array:
    """Extracts patches of images, each flattened along the channel axis.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        size: the size of a patch, one integer or (height, width); with three integers, the input
            is volumes.
        strides: the distance between patches; by default `size`, without overlap.
        dilation_rate: the distance between the pixels of a patch.
        padding: `"valid"`, or `"same"` to pad with zeros so that the patches cover the borders.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array of shape (batch, rows, columns, patch height * patch width * channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.image.extract_patches(np.zeros((1, 4, 4, 3)), 2).shape
    (1, 2, 2, 12)
    """
    images = to_array(images)
    rank = 3 if isinstance(size, Sequence) and len(size) == 3 else 2
    return _extract(images, size, strides, dilation_rate, padding, data_format, rank)


@op
def extract_patches_3d(
    volumes: ArrayLike,
    size: int | Sequence[int],
    strides: int | Sequence[int] | None = None,
    dilation_rate: int | Sequence[int] = 1,
    padding: Padding = "valid",
    data_format: DataFormat | None = None,
) -> Array:
    """Extracts patches of volumes, each flattened along the channel axis.

    Args:
        volumes: volumes, of shape (batch, depth, height, width, channels) or without the batch
            axis.
        size: the size of a patch, one integer or (depth, height, width).
        strides: the distance between patches; by default `size`, without overlap.
        dilation_rate: the distance between the voxels of a patch.
        padding: `"valid"`, or `"same"` to pad with zeros so that the patches cover the borders.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array of shape (batch, planes, rows, columns, patch size * channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.ops.image.extract_patches_3d(np.zeros((1, 4, 4, 4, 1)), 2).shape
    (1, 2, 2, 2, 8)
    """
    volumes = to_array(volumes)
    return _extract(volumes, size, strides, dilation_rate, padding, data_format, 3)


def _extract(
    x: Array, size: Any, strides: Any, dilation: Any, padding: str, data_format: Any, rank: int
) -> Array:
    axes = spatial_axes(x, data_format, "extract_patches", rank)
    channels_first = axes[-1] == x.ndim - 1
    # The patches are flattened over the channels, which are the last axis of the result.
    x = jnp.moveaxis(x, axes[0] - 1, -1) if channels_first else x
    x = x if len(axes) + 2 == x.ndim else x[None]
    window = per_axis(size, rank, "size")
    steps = window if strides is None else per_axis(strides, rank, "strides")
    dilations = per_axis(dilation, rank, "dilation_rate")
    if check_padding(padding) == "SAME":
        reach = [d * (w - 1) + 1 for d, w in zip(dilations, window, strict=True)]
        borders = lax.padtype_to_pads(x.shape[1:-1], reach, steps, "SAME")
        x = jnp.pad(x, [(0, 0), *borders, (0, 0)])
    if window == steps and set(dilations) == {1}:
        # Patches without gaps or overlap are a reshape, which is much cheaper than slices.
        x = _split_into_tiles(x, window)
    else:
        x = jnp.concatenate(slices(x, (1, *window, 1), (1, *steps, 1), (1, *dilations, 1)), -1)
    x = x if axes[0] - channels_first == 1 else x[0]
    return jnp.moveaxis(x, -1, axes[0] - 1) if channels_first else x


def _split_into_tiles(x: Array, window: tuple[int, ...]) -> Array:
    """Returns the patches of a grid of adjacent windows."""
    counts = [size // w for size, w in zip(x.shape[1:-1], window, strict=True)]
    # Rows and columns that do not fill a patch are dropped, as with padding="valid".
    for axis, (count, w) in enumerate(zip(counts, window, strict=True), start=1):
        x = lax.slice_in_dim(x, 0, count * w, axis=axis)
    pairs = [n for pair in zip(counts, window, strict=True) for n in pair]
    x = x.reshape(x.shape[0], *pairs, x.shape[-1])
    rank = len(window)
    order = [0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1]
    return x.transpose(order).reshape(x.shape[0], *counts, math.prod(window) * x.shape[-1])
