"""Geometric transformations of images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops import random
from cornu.ops.arguments import to_array
from cornu.ops.image.geometry import homography
from cornu.ops.image.kernels import convolve_separable, gaussian_weights
from cornu.types import Array, ArrayLike, DataFormat

__all__ = [
    "affine_transform",
    "elastic_transform",
    "map_coordinates",
    "perspective_transform",
    "scale_and_translate",
]

_ORDERS = {"nearest": 0, "bilinear": 1}
_FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
_METHODS = (
    *("linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic"),
    *("lanczos3", "lanczos5"),
)


def _check(op_name: str, name: str, value: Any, known: Any) -> None:
    if value not in known:
        raise ValueError(f"{op_name}: {name} must be one of {tuple(known)}. Received: {value!r}")


def _warp(
    op_name: str,
    images: Array,
    compute_coordinates: Callable[[int, int, int], Array],
    interpolation: str,
    fill_mode: str,
    fill_value: Any,
    data_format: str | None,
) -> Array:
    """Samples images at computed coordinates.

    Args:
        compute_coordinates: a function of (batch, height, width) that returns the source
            coordinates of each pixel of the result, of shape (batch or 1, 2, height, width), rows
            before columns.
    """
    _check(op_name, "interpolation", interpolation, _ORDERS)
    _check(op_name, "fill_mode", fill_mode, _FILL_MODES)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"{op_name}: expected images of shape (batch, height, width, channels), or without the "
            f"batch axis. Received shape {images.shape}"
        )
    last = settings.data_format(data_format) == "channels_last"
    x = images if images.ndim == 4 else images[None]
    x = jnp.moveaxis(x, -1, 1) if last else x
    coordinates = compute_coordinates(x.shape[0], *x.shape[2:])
    # One transform for all images is computed once; `vmap` requires one for each image.
    coordinates = jnp.broadcast_to(coordinates, (x.shape[0], *coordinates.shape[1:]))

    def sample(channel: Array, coordinates: Array) -> Array:
        order = _ORDERS[interpolation]
        return jax.scipy.ndimage.map_coordinates(
            channel, list(coordinates), order, fill_mode, fill_value
        )

    # The inner map is over the channels, which share the coordinates of their image.
    x = jax.vmap(jax.vmap(sample, (0, None)))(x, coordinates)
    x = jnp.moveaxis(x, 1, -1) if last else x
    return x if images.ndim == 4 else x[0]


@op
def affine_transform(
    images: ArrayLike,
    transform: ArrayLike,
    interpolation: str = "bilinear",
    fill_mode: str = "constant",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Array:
    """Translates, rotates, scales or shears images.

    The pixel (x, y) of the result is sampled at (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        transform: (a0, a1, a2, b0, b1, b2, 0, 0), for all images or one per image.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: how an image is extended beyond its borders: `"constant"`, `"nearest"`, `"wrap"`,
            `"mirror"` or `"reflect"`.
        fill_value: the value outside for `"constant"`.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.arange(4.0).reshape(1, 2, 2, 1)
    >>> to_left = [[1, 0, 1, 0, 1, 0, 0, 0]]  # reads at x + 1
    >>> cornu.ops.image.affine_transform(image, to_left)[0, :, :, 0].tolist()
    [[1.0, 0.0], [3.0, 0.0]]

    Fixes: one transform for several images is accepted, as Keras documents; Keras 3.15 on JAX
    raises an error. Coordinates are computed in float32; in Keras those of images in half precision
    are rounded to it, which moves pixels.
    """
    images, transform = to_array(images), to_array(transform).astype("float32")
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(
            "affine_transform: transform must have shape (8,) or (batch, 8). "
            f"Received: {transform.shape}"
        )

    def compute_coordinates(batch: int, height: int, width: int) -> Array:
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        # The transform is in the order (x, y), coordinates of arrays are in the order (row,
        # column).
        a0, a1, a2, b0, b1, b2, _, _ = transform.reshape(-1, 8).T[:, :, None, None]
        return jnp.stack([b0 * x + b1 * y + b2, a0 * x + a1 * y + a2], axis=1)

    return _warp(
        "affine_transform",
        images,
        compute_coordinates,
        interpolation,
        fill_mode,
        fill_value,
        data_format,
    )


@op
def perspective_transform(
    images: ArrayLike,
    start_points: ArrayLike,
    end_points: ArrayLike,
    interpolation: str = "bilinear",
    fill_value: float = 0,
    data_format: DataFormat | None = None,
) -> Array:
    """Applies a perspective transformation that maps four points to four others.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        start_points: four points (x, y) of the images, of shape (4, 2) or (batch, 4, 2).
        end_points: the corresponding points of the result.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: the value outside of an image.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> image = np.arange(4.0).reshape(1, 2, 2, 1)
    >>> corners = [[[0, 0], [1, 0], [0, 1], [1, 1]]]
    >>> same = cornu.ops.image.perspective_transform(image, corners, corners)
    >>> print(np.asarray(same)[0, :, :, 0].round(3))
    [[0. 1.]
     [2. 3.]]
    """
    images, start_points, end_points = (
        to_array(images),
        to_array(start_points),
        to_array(end_points),
    )
    if start_points.shape != end_points.shape or start_points.shape[-2:] != (4, 2):
        raise ValueError(
            "perspective_transform: the points must have shape (4, 2) or (batch, 4, 2). "
            f"Received: {start_points.shape} and {end_points.shape}"
        )
    starts, ends = (
        points.reshape(-1, 4, 2).astype("float32") for points in (start_points, end_points)
    )
    # From the result to the image: each pixel of the result is sampled.
    h = homography(ends, starts).T[:, :, None, None]

    def compute_coordinates(batch: int, height: int, width: int) -> Array:
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        depth = h[6] * x + h[7] * y + 1
        column = (h[0] * x + h[1] * y + h[2]) / depth
        row = (h[3] * x + h[4] * y + h[5]) / depth
        return jnp.stack([row, column], axis=1)

    return _warp(
        "perspective_transform",
        images,
        compute_coordinates,
        interpolation,
        "constant",
        fill_value,
        data_format,
    )


@op
def elastic_transform(
    images: ArrayLike,
    alpha: float = 20.0,
    sigma: float = 5.0,
    interpolation: str = "bilinear",
    fill_mode: str = "reflect",
    fill_value: float = 0.0,
    seed: Any = None,
    data_format: DataFormat | None = None,
) -> Array:
    """Distorts images by smooth random displacements.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        alpha: the scale of the displacements.
        sigma: their smoothness: the standard deviation of the Gaussian blur applied to them.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: how an image is extended beyond its borders: `"constant"`, `"nearest"`, `"wrap"`,
            `"mirror"` or `"reflect"`.
        fill_value: the value outside for `"constant"`.
        seed: an integer or a `SeedGenerator`.
        data_format: `"channels_last"` or `"channels_first"`.

    Example:

    >>> import cornu
    >>> cornu.ops.image.elastic_transform(cornu.Input((8, 8, 3)), seed=1).shape
    (None, 8, 8, 3)

    References: Simard, Steinkraus, Platt, "Best practices for convolutional neural networks
    applied to visual document analysis", 2003.

    Fixes: Keras 3.15 uses the same noise in both directions. In cornu, as in the paper, the
    directions are independent.
    """
    images = to_array(images)

    def compute_coordinates(batch: int, height: int, width: int) -> Array:
        noise = sigma * random.normal((batch, height, width, 2), dtype="float32", seed=seed)
        # Three standard deviations to each side; the size is odd, so that the kernel has a center.
        weights = gaussian_weights(int(6 * sigma) | 1, sigma, noise.dtype)
        noise = jnp.moveaxis(convolve_separable(noise, weights, weights, "SAME"), -1, 1)
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        return jnp.stack([y, x]) + alpha * noise

    return _warp(
        "elastic_transform",
        images,
        compute_coordinates,
        interpolation,
        fill_mode,
        fill_value,
        data_format,
    )


@op
def map_coordinates(
    inputs: ArrayLike,
    coordinates: ArrayLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Array:
    """Samples an array at fractional coordinates.

    Args:
        inputs: an array with n axes.
        coordinates: an array of shape (n, ...).
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: how the array is extended beyond its borders: `"constant"`, `"nearest"`,
            `"wrap"`, `"mirror"` or `"reflect"`.
        fill_value: the value outside for `"constant"`.

    Returns:
        An array of the shape of `coordinates` without the first axis.

    Example:

    >>> import cornu
    >>> cornu.ops.image.map_coordinates([0.0, 10.0, 20.0], [[0.5, 2.0]], order=1).tolist()
    [5.0, 20.0]
    """
    inputs, coordinates = to_array(inputs), to_array(coordinates)
    _check("map_coordinates", "order", order, (0, 1))
    _check("map_coordinates", "fill_mode", fill_mode, _FILL_MODES)
    if coordinates.ndim < 2 or coordinates.shape[0] != inputs.ndim:
        raise ValueError(
            f"map_coordinates: coordinates of shape ({inputs.ndim}, ...) are needed. "
            f"Received: {coordinates.shape}"
        )
    return jax.scipy.ndimage.map_coordinates(
        inputs, list(coordinates), order, fill_mode, fill_value
    )


@op
def scale_and_translate(
    images: ArrayLike,
    output_shape: Sequence[int],
    scale: ArrayLike,
    translation: ArrayLike,
    spatial_dims: Sequence[int],
    method: str,
    antialias: bool = True,
) -> Array:
    """Scales and then translates images.

    Args:
        images: an array.
        output_shape: the shape of the result.
        scale: the factors, one per spatial axis.
        translation: the distances, one per spatial axis.
        spatial_dims: the spatial axes.
        method: `"linear"`, `"cubic"`, `"lanczos3"` or `"lanczos5"`.
        antialias: whether to apply a low-pass filter when downsampling.

    Example:

    >>> import cornu
    >>> image, scale, shift = cornu.Input((2, 2), batch_size=1), [2.0, 2.0], [0.0, 0.0]
    >>> scale_and_translate = cornu.ops.image.scale_and_translate
    >>> scale_and_translate(image, (1, 4, 4), scale, shift, (1, 2), "linear").shape
    (1, 4, 4)
    """
    images, scale, translation = to_array(images), to_array(scale), to_array(translation)
    _check("scale_and_translate", "method", method, _METHODS)
    return jax.image.scale_and_translate(
        images, output_shape, spatial_dims, scale, translation, method, antialias
    )
