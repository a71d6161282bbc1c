"""Filters of images: blur, edges and structural similarity."""

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
    """Blurs images with a Gaussian kernel; the borders are padded with zeros.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        kernel_size: the size of the kernel, (width, height).
        sigma: the standard deviations, (horizontal, vertical).
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.zeros((1, 3, 3, 1), "float32")
    >>> image[0, 1, 1] = 1
    >>> print(np.asarray(cornu.ops.image.gaussian_blur(image))[0, :, :, 0].round(2))
    [[0.08 0.12 0.08]
     [0.12 0.2  0.12]
     [0.08 0.12 0.08]]

    Fixes: in Keras 3.15, `data_format=None` means channels first. In cornu it is the process-wide
    format, as in all other ops.
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
    """Computes the vertical and horizontal gradients of images with the Sobel operator.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array with an additional last axis of size 2: (vertical, horizontal).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.tile(np.arange(3.0), (3, 1))[None, :, :, None]
    >>> cornu.ops.image.sobel_edges(image)[0, 1, 1, 0].tolist()
    [0.0, 8.0]

    References: Sobel, Feldman, "An isotropic 3x3 image gradient operator", 1968.
    """
    images = to_array(images)
    # The Sobel kernel is the outer product of these two, so that it is applied as two passes.
    smoothing, difference = jnp.array([1, 2, 1]), jnp.array([-1, 0, 1])

    def edges(column: Array, row: Array) -> Array:
        def filter_image(x: Array) -> Array:
            return convolve_separable(to_float(x), column, row, "SAME")

        return on_channels_last(filter_image, images, data_format, "sobel_edges")

    return jnp.stack([edges(difference, smoothing), edges(smoothing, difference)], axis=-1)


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
    """Computes the structural similarity of images, which is 1 for equal images.

    Means, variances and covariance are computed with a Gaussian window:

        (2 m1 m2 + c1) (2 cov + c2) / ((m1² + m2² + c1) (v1 + v2 + c2)),  c = (k max_val)²

    Args:
        image1: images, of shape (batch, height, width, channels) or without the batch axis.
        image2: images of the same shape.
        max_val: the largest possible value minus the smallest.
        filter_size: the width and height of the window.
        filter_sigma: the standard deviation of the window.
        k1: stabilizes the quotient in dark regions.
        k2: stabilizes the quotient in uniform regions.
        data_format: `"channels_last"` or `"channels_first"`.

    Returns:
        An array of shape (batch,), or a scalar.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.ones((1, 11, 11, 1), "float32")
    >>> print(np.asarray(cornu.ops.image.ssim(image, image)).round(3))
    [1.]

    References: Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error
    visibility to structural similarity", 2004.
    """
    image1, image2 = to_array(image1), to_array(image2)
    weights = gaussian_weights(filter_size, filter_sigma, to_float(image1).dtype)

    def blur(images: Array) -> Array:
        return on_channels_last(
            # Windows across the border are left out, because their padding would count as black.
            lambda x: convolve_separable(x, weights, weights, "VALID"),
            images,
            data_format,
            "ssim",
        )

    x, y = to_float(image1), to_float(image2)
    mean_x, mean_y = blur(x), blur(y)
    var_x = blur(x * x) - mean_x**2
    var_y = blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    numerator = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    denominator = (mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2)
    return jnp.mean(numerator / denominator, axis=(-3, -2, -1)).astype(image1.dtype)
