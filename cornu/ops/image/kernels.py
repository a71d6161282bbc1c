"""Separable convolution kernels for images."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax

from cornu.types import Array, ArrayLike, DTypeLike

__all__ = ["convolve_separable", "gaussian_weights"]


def convolve_separable(x: Array, column: ArrayLike, row: ArrayLike, padding: str) -> Array:
    """Convolves each channel with a column of weights, and then with a row of weights.

    Args:
        x: images, of shape (batch, height, width, channels).
        column: weights along the height.
        row: weights along the width.
        padding: `"SAME"` or `"VALID"`.
    """
    channels = x.shape[-1]
    # Two passes cost size + size products per pixel, one pass with their outer product size * size.
    for weights, shape in ((column, (-1, 1, 1, 1)), (row, (1, -1, 1, 1))):
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


def gaussian_weights(size: int, sigma: ArrayLike, dtype: DTypeLike) -> Array:
    """Returns the weights of a Gaussian window, of shape (size,) and sum 1."""
    distance = (jnp.arange(size) - (size - 1) / 2).astype(dtype)
    weights = jnp.exp(-0.5 * (distance / jnp.asarray(sigma)) ** 2)
    return weights / weights.sum()
