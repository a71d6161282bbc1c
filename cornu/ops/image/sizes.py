"""Resizing, cropping and padding of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array
from cornu.ops.convert import saturate_cast
from cornu.ops.image.geometry import resized_window
from cornu.ops.image.layout import spatial_axes
from cornu.types import Array, ArrayLike, DataFormat

__all__ = [
    "crop_images",
    "pad_images",
    "resize",
]

_METHODS = ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5")


@op
def resize(
    images: ArrayLike,
    size: Sequence[int],
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: DataFormat | None = None,
) -> Array:
    """Resizes images; the dtype is preserved.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        size: (height, width).
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        antialias: whether to apply a low-pass filter when downsampling.
        crop_to_aspect_ratio: whether images are center-cropped to the target aspect ratio.
        pad_to_aspect_ratio: whether images are padded to the target aspect ratio.
        fill_mode: `"constant"`.
        fill_value: the value of the padding.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.array([[0.0, 1.0], [2.0, 3.0]])[:, :, None]
    >>> cornu.ops.image.resize(image, (4, 4), interpolation="nearest")[:, 0, 0].tolist()
    [0.0, 0.0, 2.0, 2.0]
    """
    images = to_array(images)
    if interpolation not in _METHODS:
        raise ValueError(
            f"resize: interpolation must be one of {_METHODS}. Received: {interpolation!r}"
        )
    if fill_mode != "constant":
        raise ValueError(f"resize: fill_mode must be 'constant'. Received: {fill_mode!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError(
            "resize: crop_to_aspect_ratio and pad_to_aspect_ratio are mutually exclusive."
        )
    if len(size) != 2 or min(size) <= 0:
        raise ValueError(
            f"resize: size must be two positive integers, (height, width). Received: {size}"
        )
    axes = spatial_axes(images, data_format, "resize")
    height, width = (images.shape[axis] for axis in axes)
    window = resized_window((height, width), size, crop_to_aspect_ratio, pad_to_aspect_ratio)
    if crop_to_aspect_ratio:
        for axis, (begin, length) in zip(axes, window, strict=True):
            images = lax.slice_in_dim(images, begin, begin + length, axis=axis)
    elif pad_to_aspect_ratio:
        borders = [(0, 0)] * images.ndim
        for axis, (begin, _) in zip(axes, window, strict=True):
            borders[axis] = (-begin, -begin)
        images = jnp.pad(images, borders, constant_values=fill_value)
    shape = list(images.shape)
    for axis, new in zip(axes, size, strict=True):
        shape[axis] = new
    out = jax.image.resize(images, shape, interpolation, antialias)
    # Cubic and Lanczos kernels overshoot, and integers would wrap around.
    return saturate_cast(jnp.round(out), images.dtype) if images.dtype.kind in "iu" else out


def _complete_sizes(
    op_name: str, begin: Any, middle: Any, end: Any, whole: Any
) -> tuple[Any, Any, Any]:
    """Solves `begin + middle + end == whole` for the one that is None."""
    if [begin, middle, end, whole].count(None) != 1:
        raise ValueError(
            f"{op_name}: specify exactly two of both borders and the target size on each axis."
        )
    if begin is None:
        begin = whole - middle - end
    elif middle is None:
        middle = whole - begin - end
    elif end is None:
        end = whole - begin - middle
    # Sizes of symbolic images may be unknown; only known ones are compared.
    if any(isinstance(size, int) and size < 0 for size in (begin, middle, end)):
        raise ValueError(
            f"{op_name}: borders and sizes must not be negative. Received: {begin} before, "
            f"{middle} in the middle, {end} after."
        )
    return begin, middle, end


@op
def crop_images(
    images: ArrayLike,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Array:
    """Crops rows and columns from the borders of images.

    Specify two of top, bottom and target height, and two of left, right and target width.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        top_cropping: the number of rows removed at the top.
        left_cropping: the number of columns removed at the left.
        bottom_cropping: the number of rows removed at the bottom.
        right_cropping: the number of columns removed at the right.
        target_height: the height of the result.
        target_width: the width of the result.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.arange(4.0).reshape(2, 2, 1)
    >>> cropped = cornu.ops.image.crop_images(image, 1, 0, target_height=1, target_width=1)
    >>> cropped.ravel().tolist()
    [2.0]
    """
    images = to_array(images)
    rows, columns = spatial_axes(images, data_format, "crop_images")
    requests = (
        (rows, top_cropping, bottom_cropping, target_height),
        (columns, left_cropping, right_cropping, target_width),
    )
    for axis, begin, end, target in requests:
        begin, kept, _ = _complete_sizes("crop_images", begin, target, end, images.shape[axis])
        images = lax.slice_in_dim(images, begin, begin + kept, axis=axis)
    return images


@op
def pad_images(
    images: ArrayLike,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: DataFormat | None = None,
) -> Array:
    """Pads images with rows and columns of zeros.

    Specify two of top, bottom and target height, and two of left, right and target width.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        top_padding: the number of rows added at the top.
        left_padding: the number of columns added at the left.
        bottom_padding: the number of rows added at the bottom.
        right_padding: the number of columns added at the right.
        target_height: the height of the result.
        target_width: the width of the result.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.ones((2, 2, 1))
    >>> sizes = {"target_height": 3, "target_width": 2}
    >>> padded = cornu.ops.image.pad_images(image, 1, 0, **sizes)
    >>> padded[:, :, 0].tolist()
    [[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]]
    """
    images = to_array(images)
    rows, columns = spatial_axes(images, data_format, "pad_images")
    requests = (
        (rows, top_padding, bottom_padding, target_height),
        (columns, left_padding, right_padding, target_width),
    )
    borders = [(0, 0)] * images.ndim
    for axis, begin, end, target in requests:
        begin, _, end = _complete_sizes("pad_images", begin, images.shape[axis], end, target)
        borders[axis] = (begin, end)
    return jnp.pad(images, borders)
