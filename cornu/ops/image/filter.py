"""Windows of weights over images: blurs, edges, similarity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from cornu.ops._table import as_float, define
from cornu.ops.image.layout import on_channels_last

__all__ = [
    "bell",
    "convolve",
    "gaussian_blur",
    "sobel_edges",
    "ssim",
]


def convolve(x: Array, column: Array, line: Array, padding: str) -> Array:
    """Convolves every channel with a column of weights and then with a line of weights."""
    channels = x.shape[-1]
    for weights, shape in ((column, (-1, 1, 1, 1)), (line, (1, -1, 1, 1))):
        kernel = jnp.tile(jnp.asarray(weights, x.dtype).reshape(shape), (1, 1, 1, channels))
        x = lax.conv_general_dilated(
            x,
            kernel,
            (1, 1),
            padding,
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=channels,
        )
    return x


def bell(size: int, sigma: Any, dtype: Any) -> Array:
    distance = (jnp.arange(size) - (size - 1) / 2).astype(dtype)
    weights = jnp.exp(-0.5 * (distance / sigma) ** 2)
    return weights / weights.sum()


@define
def gaussian_blur(
    images: Array,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Any = (1.0, 1.0),
    data_format: str | None = None,
) -> Array:
    """Images blurred by a bell-shaped window, zeros outside.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        kernel_size: the (width, height) of the window.
        sigma: the standard deviations of the bell, (across, down).
        data_format: `"channels_last"` or `"channels_first"`.

    Differences: Keras 3.15 takes `data_format=None` for channels first, here it is the
    process-wide format as everywhere.
    """

    def blur(x: Array) -> Array:
        x = as_float(x)
        line, column = (bell(n, s, x.dtype) for n, s in zip(kernel_size, sigma, strict=True))
        return convolve(x, column, line, "SAME")

    return on_channels_last(blur, images, data_format, "gaussian_blur")


@define
def sobel_edges(images: Array, data_format: str | None = None) -> Array:
    """How strongly the brightness rises downwards and to the right.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array with another last axis of size 2: (down, right).

    References: Sobel, Feldman, "An isotropic 3x3 image gradient operator", 1968.
    """
    smooth, rise = jnp.array([1, 2, 1]), jnp.array([-1, 0, 1])

    def edges(column: Array, line: Array) -> Array:
        def cross(x: Array) -> Array:
            return convolve(as_float(x), column, line, "SAME")

        return on_channels_last(cross, images, data_format, "sobel_edges")

    return jnp.stack([edges(rise, smooth), edges(smooth, rise)], axis=-1)


@define
def ssim(
    image1: Array,
    image2: Array,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: str | None = None,
) -> Array:
    """The structural similarity of images: 1 for equal ones.

    Means, variances and covariance are taken under a bell-shaped window:

        (2 m1 m2 + c1) (2 cov + c2) / ((m1² + m2² + c1) (v1 + v2 + c2)),  c = (k max_val)²

    Args:
        image1: images, of shape (batch, height, width, channels) or without the batch axis.
        image2: as many images of the same size.
        max_val: the largest possible value minus the smallest.
        filter_size: the width and height of the window.
        filter_sigma: the standard deviation of the bell.
        k1: steadies the quotient where images are dark.
        k2: steadies the quotient where images are smooth.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array of shape (batch,), or a scalar.

    References: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error
    visibility to structural similarity", 2004.
    """
    weights = bell(filter_size, filter_sigma, as_float(image1).dtype)

    def blur(images: Array) -> Array:
        return on_channels_last(
            lambda x: convolve(x, weights, weights, "VALID"), images, data_format, "ssim"
        )

    x, y = as_float(image1), as_float(image2)
    mean_x, mean_y = blur(x), blur(y)
    var_x = blur(x * x) - mean_x**2
    var_y = blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return jnp.mean(above / below, axis=(-3, -2, -1)).astype(image1.dtype)
