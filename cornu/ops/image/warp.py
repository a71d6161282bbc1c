"""Images seen through a transformation of their coordinates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax.scipy import ndimage

from cornu import settings
from cornu.core.graph.op import op
from cornu.ops import random
from cornu.ops.arguments import to_array
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


def _check(who: str, name: str, value: Any, known: Any) -> None:
    if value not in known:
        raise ValueError(f"{who}: {name} is one of {tuple(known)}. Received: {value!r}")


def _warp(
    who: str,
    images: Array,
    find: Callable[[int, int, int], Array],
    interpolation: str,
    fill_mode: str,
    fill_value: Any,
    data_format: str | None,
) -> Array:
    """Fills each place of the images with what is at the coordinates found for it.

    Args:
        find: returns for (batch, height, width) the coordinates, of shape
            (batch or 1, 2, height, width), rows before columns.
    """
    _check(who, "interpolation", interpolation, _ORDERS)
    _check(who, "fill_mode", fill_mode, _FILL_MODES)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"{who}: images of shape (batch, height, width, channels), or without the batch "
            f"axis, are needed. Received the shape {images.shape}"
        )
    last = settings.data_format(data_format) == "channels_last"
    x = images if images.ndim == 4 else images[None]
    x = jnp.moveaxis(x, -1, 1) if last else x
    places = find(x.shape[0], *x.shape[2:])
    places = jnp.broadcast_to(places, (x.shape[0], *places.shape[1:]))

    def sample(plane: Array, place: Array) -> Array:
        order = _ORDERS[interpolation]
        return ndimage.map_coordinates(plane, list(place), order, fill_mode, fill_value)

    x = jax.vmap(jax.vmap(sample, (0, None)))(x, places)
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
    """Images moved, turned, scaled or sheared.

    The pixel (x, y) of the result is what the image has at
    (a0 x + a1 y + a2, b0 x + b1 y + b2).

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        transform: (a0, a1, a2, b0, b1, b2, 0, 0), one for all images or one for each.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: what is outside of an image: `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`
            or `"reflect"`.
        fill_value: the constant.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    images, transform = to_array(images), to_array(transform)
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(
            "affine_transform: transform has the shape (8,) or (batch, 8). "
            f"Received: {transform.shape}"
        )

    def find(batch: int, height: int, width: int) -> Array:
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        a0, a1, a2, b0, b1, b2, _, _ = transform.reshape(-1, 8).T[:, :, None, None]
        return jnp.stack([b0 * x + b1 * y + b2, a0 * x + a1 * y + a2], axis=1)

    return _warp(
        "affine_transform", images, find, interpolation, fill_mode, fill_value, data_format
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
    """Images seen from another side: four points go to four others.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        start_points: four points (x, y) of the images, of shape (4, 2) or (batch, 4, 2).
        end_points: where they are in the result.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: what is outside of an image.
        data_format: `"channels_last"` or `"channels_first"`.
    """
    images, start_points, end_points = (
        to_array(images),
        to_array(start_points),
        to_array(end_points),
    )
    if start_points.shape != end_points.shape or start_points.shape[-2:] != (4, 2):
        raise ValueError(
            "perspective_transform: the points have the shape (4, 2) or (batch, 4, 2). "
            f"Received: {start_points.shape} and {end_points.shape}"
        )
    starts, ends = (
        points.reshape(-1, 4, 2).astype("float32") for points in (start_points, end_points)
    )
    h = _homography(ends, starts).T[:, :, None, None]

    def find(batch: int, height: int, width: int) -> Array:
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        depth = h[6] * x + h[7] * y + 1
        across = (h[0] * x + h[1] * y + h[2]) / depth
        down = (h[3] * x + h[4] * y + h[5]) / depth
        return jnp.stack([down, across], axis=1)

    return _warp(
        "perspective_transform", images, find, interpolation, "constant", fill_value, data_format
    )


def _homography(before: Array, after: Array) -> Array:
    """Returns h (batch, 8) so that x' = (h0 x + h1 y + h2) / (h6 x + h7 y + 1), y' likewise."""
    x, y = before[..., 0], before[..., 1]
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    goals = [after[..., 0], after[..., 1]]
    rows = [
        [x, y, one, zero, zero, zero, -goals[0] * x, -goals[0] * y],
        [zero, zero, zero, x, y, one, -goals[1] * x, -goals[1] * y],
    ]
    matrix = jnp.concatenate([jnp.stack(row, axis=-1) for row in rows], axis=1)
    goal = jnp.concatenate(goals, axis=1)[..., None]
    return jnp.linalg.solve(matrix, goal)[..., 0]


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
    """Images wobbled by smooth random displacements.

    Args:
        images: images, of shape (batch, height, width, channels) or without the batch axis.
        alpha: how far.
        sigma: how smoothly: the standard deviation of the blur of the displacements.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: what is outside of an image: `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`
            or `"reflect"`.
        fill_value: the constant.
        seed: an integer or a `SeedGenerator`.
        data_format: `"channels_last"` or `"channels_first"`.

    References: Simard, Steinkraus, Platt, "Best practices for convolutional neural networks
    applied to visual document analysis", 2003.

    Differences: Keras 3.15 displaces by the same noise in both directions; here, as in the paper,
    the directions are independent.
    """
    images = to_array(images)

    def find(batch: int, height: int, width: int) -> Array:
        noise = sigma * random.normal((batch, height, width, 2), dtype="float32", seed=seed)
        weights = gaussian_weights(int(6 * sigma) | 1, sigma, noise.dtype)
        noise = jnp.moveaxis(convolve_separable(noise, weights, weights, "SAME"), -1, 1)
        y, x = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
        return jnp.stack([y, x]) + alpha * noise

    return _warp(
        "elastic_transform", images, find, interpolation, fill_mode, fill_value, data_format
    )


@op
def map_coordinates(
    inputs: ArrayLike,
    coordinates: ArrayLike,
    order: int,
    fill_mode: str = "constant",
    fill_value: float = 0,
) -> Array:
    """What an array has at coordinates between its elements.

    Args:
        inputs: an array with n axes.
        coordinates: an array of shape (n, ...).
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what is outside of the array: `"constant"`, `"nearest"`, `"wrap"`, `"mirror"`
            or `"reflect"`.
        fill_value: the constant.

    Returns:
        An array of the shape of `coordinates` without the first axis.
    """
    inputs, coordinates = to_array(inputs), to_array(coordinates)
    _check("map_coordinates", "order", order, (0, 1))
    _check("map_coordinates", "fill_mode", fill_mode, _FILL_MODES)
    if coordinates.ndim < 2 or coordinates.shape[0] != inputs.ndim:
        raise ValueError(
            f"map_coordinates: coordinates of shape ({inputs.ndim}, ...) are needed. "
            f"Received: {coordinates.shape}"
        )
    return ndimage.map_coordinates(inputs, list(coordinates), order, fill_mode, fill_value)


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
    """Images scaled and then moved.

    Args:
        images: an array.
        output_shape: the shape of the result.
        scale: factors, one for each of the axes.
        translation: distances, one for each of the axes.
        spatial_dims: the axes.
        method: `"linear"`, `"cubic"`, `"lanczos3"` or `"lanczos5"`.
        antialias: whether to blur before making images smaller.
    """
    images, scale, translation = to_array(images), to_array(scale), to_array(translation)
    _check("scale_and_translate", "method", method, _METHODS)
    return jax.image.scale_and_translate(
        images, output_shape, spatial_dims, scale, translation, method, antialias
    )
