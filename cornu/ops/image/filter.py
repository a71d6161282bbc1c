"""Windows of weights over images: blurs, edges, similarity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.core.graph.op import op
from cornu.ops.arguments import to_array, to_float
from cornu.ops.image.kernels import convolve_separable, gaussian_weights
from cornu.ops.image.layout import on_channels_last
from cornu.types import Array, ArrayLike, DataFormat

__all__ = [
    "gaussian_blur",
    "sobel_edges",
    "ssim",
]


@op
def gaussian_blur(
    images: ArrayLike,
    kernel_size: Sequence[int] = (3, 3),
    sigma: Any = (1.0, 1.0),
    data_format: DataFormat | None = None,
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
    images = to_array(images)

    def blur(x: Array) -> Array:
        x = to_float(x)
        row, column = (
            gaussian_weights(n, s, x.dtype) for n, s in zip(kernel_size, sigma, strict=True)
        )
        return convolve_separable(x, column, row, "SAME")

    return on_channels_last(blur, images, data_format, "gaussian_blur")


@op
def sobel_edges(images: ArrayLike, data_format: DataFormat | None = None) -> Array:
    """How strongly the brightness rises downwards and to the right.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array with another last axis of size 2: (down, right).

    References: Sobel, Feldman, "An isotropic 3x3 image gradient operator", 1968.
    """
    images = to_array(images)
    smooth, rise = jnp.array([1, 2, 1]), jnp.array([-1, 0, 1])

    def edges(column: Array, line: Array) -> Array:
        def cross(x: Array) -> Array:
            return convolve_separable(to_float(x), column, line, "SAME")

        return on_channels_last(cross, images, data_format, "sobel_edges")

    return jnp.stack([edges(rise, smooth), edges(smooth, rise)], axis=-1)


@op
def ssim(
    image1: ArrayLike,
    image2: ArrayLike,
    max_val: float = 1.0,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
    data_format: DataFormat | None = None,
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
    image1, image2 = to_array(image1), to_array(image2)
    weights = gaussian_weights(filter_size, filter_sigma, to_float(image1).dtype)

    def blur(images: Array) -> Array:
        return on_channels_last(
            lambda x: convolve_separable(x, weights, weights, "VALID"), images, data_format, "ssim"
        )

    x, y = to_float(image1), to_float(image2)
    mean_x, mean_y = blur(x), blur(y)
    var_x = blur(x * x) - mean_x**2
    var_y = blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    above = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    below = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return jnp.mean(above / below, axis=(-3, -2, -1)).astype(image1.dtype)
