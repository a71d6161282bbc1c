"""Conversion between color spaces."""

from __future__ import annotations

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float
from cornu.ops.image.layout import on_channels_last
from cornu.types import Array, ArrayLike, DataFormat

__all__ = [
    "hsv_to_rgb",
    "rgb_to_grayscale",
    "rgb_to_hsv",
]


@op
def rgb_to_grayscale(images: ArrayLike, data_format: DataFormat | None = None) -> Array:
    """Converts images to grayscale: `0.2989 * red + 0.587 * green + 0.114 * blue`.

    Args:
        images: images with 3 channels; images with one channel are returned unchanged.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(cornu.ops.image.rgb_to_grayscale(np.array([[[1.0, 0.0, 0.0]]])))
    [[[0.2989]]]
    """
    images = to_array(images)

    def to_gray(x: Array) -> Array:
        if x.shape[-1] not in (1, 3):
            raise ValueError(f"rgb_to_grayscale: expected 3 channels or 1. Received: {x.shape[-1]}")
        if x.shape[-1] == 1:
            return x
        floats = to_float(x)
        # The weights of ITU-R BT.601, rounded as in TensorFlow and Keras.
        luma = floats @ jnp.asarray([0.2989, 0.5870, 0.1140], floats.dtype)
        return luma[..., None].astype(x.dtype)

    return on_channels_last(to_gray, images, data_format, "rgb_to_grayscale")


@op
def rgb_to_hsv(images: ArrayLike, data_format: DataFormat | None = None) -> Array:
    """Converts red, green and blue to hue, saturation and value, all from 0 to 1.

    Args:
        images: float images with 3 channels, values from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(cornu.ops.image.rgb_to_hsv(np.array([[[1.0, 0.0, 0.0]]])))
    [[[0. 1. 1.]]]

    References: Smith, "Color gamut transform pairs", 1978.
    """
    images = to_array(images)
    _check_floats(images, "rgb_to_hsv")

    def convert(x: Array) -> Array:
        # As in Keras, values below the precision of the dtype count as 0.
        x = jnp.where(jnp.abs(x) < jnp.finfo(x.dtype).eps, 0, x)
        red, green, blue = (x[..., i] for i in range(3))
        # The hue is a position on a circle of six sectors, relative to the largest channel. The
        # inner `where` keeps the unused branch finite, so that its gradient is not NaN.
        value, spread = x.max(-1), x.max(-1) - x.min(-1)
        sixth = 1 / (6 * jnp.where(spread > 0, spread, 1))
        # Not `value == red`: a fused program may compute a channel twice, with other rounding.
        hue = jnp.where(
            (red >= green) & (red >= blue),
            sixth * (green - blue),
            jnp.where(green >= blue, sixth * (blue - red) + 1 / 3, sixth * (red - green) + 2 / 3),
        )
        hue = jnp.where(spread > 0, hue, 0) + (hue < 0)
        saturation = jnp.where(value > 0, spread / jnp.where(value > 0, value, 1), 0)
        return jnp.stack([hue, saturation, value], axis=-1)

    return on_channels_last(convert, images, data_format, "rgb_to_hsv")


@op
def hsv_to_rgb(images: ArrayLike, data_format: DataFormat | None = None) -> Array:
    """Converts hue, saturation and value to red, green and blue, all from 0 to 1.

    Args:
        images: float images with 3 channels, values from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> print(cornu.ops.image.hsv_to_rgb(np.array([[[0.0, 1.0, 1.0]]])))
    [[[1. 0. 0.]]]

    References: Smith, "Color gamut transform pairs", 1978.
    """
    images = to_array(images)
    _check_floats(images, "hsv_to_rgb")

    def convert(x: Array) -> Array:
        hue, saturation, value = (x[..., i] for i in range(3))
        sector = (hue % 1) * 6
        # Each channel is a clipped linear function of the hue, which saves a case for each sector.
        purity = jnp.stack(
            [jnp.abs(sector - 3) - 1, 2 - jnp.abs(sector - 2), 2 - jnp.abs(sector - 4)], axis=-1
        ).clip(0, 1)
        return value[..., None] * (1 - saturation[..., None] * (1 - purity))

    return on_channels_last(convert, images, data_format, "hsv_to_rgb")


def _check_floats(images: Array, op_name: str) -> None:
    if not jnp.issubdtype(images.dtype, jnp.floating):
        raise ValueError(
            f"{op_name}: the dtype of the images must be a float type. Received: {images.dtype}"
        )
