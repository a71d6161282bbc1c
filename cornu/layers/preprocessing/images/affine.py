"""Random rotations, translations, zooms and shears."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from cornu.layers.preprocessing.images.factors import Factor, ImageRNG, factor_range
from cornu.layers.preprocessing.images.spatial import (
    FillMode,
    GeometricImageLayer,
    Interpolation,
    map_box_corners,
)
from cornu.ops.arguments import to_array
from cornu.ops.image.geometry import project
from cornu.ops.image.warp import affine_transform
from cornu.types import Array, DataFormat

__all__ = [
    "RandomRotation",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
]


class AffineImageLayer(GeometricImageLayer):
    """Base class of layers that apply an affine transformation.

    A subclass defines `sample`, which returns `matrix(a0, a1, a2, b0, b1, b2)`. The pixel (x, y) of
    the result is the pixel (a0 x + a1 y + a2, b0 x + b1 y + b2) of the image.
    """

    def warp(self, images: Array, matrix: Array, *, interpolation: str) -> Array:
        """Returns the transformed images."""
        return affine_transform(
            images, matrix, interpolation, self.fill_mode, self.fill_value, "channels_last"
        )

    def move_boxes(self, boxes: Array, size: tuple[Any, Any], matrix: Array) -> Array:
        """Returns the boxes that enclose the transformed boxes; `matrix` maps results to images."""
        inverse = _invert(matrix)[:, None]
        return map_box_corners(boxes, lambda x, y: self.get_transformed_x_y(x, y, inverse))

    def get_transformed_x_y(self, x: Any, y: Any, transform: Array) -> tuple[Array, Array]:
        """Returns the position in the image of a position in the result.

        Args:
            x, y: the position, as indices of pixels.
            transform: the coefficients, (..., 8).
        """
        return project(x, y, transform)

    def get_shifted_bbox(
        self, bounding_boxes: dict[str, Any], w_shift_factor: Any, h_shift_factor: Any
    ) -> dict[str, Any]:
        """Returns bounding boxes in the format `"xyxy"`, shifted to the left and upward.

        Args:
            bounding_boxes: a dict of `"boxes"`, (batch, boxes, 4) or (boxes, 4), and others.
            w_shift_factor: the horizontal distance, (batch, 1).
            h_shift_factor: the vertical distance, (batch, 1).
        """
        boxes = to_array(bounding_boxes["boxes"])
        x, y = (_align(shift, boxes) for shift in (w_shift_factor, h_shift_factor))
        return {**bounding_boxes, "boxes": boxes - jnp.concatenate([x, y, x, y], axis=-1)}

    def matrix(self, *rows: Any) -> tuple[Any, ...]:
        """Returns the coefficients of each image, and two zeros, as an array (batch, 8).

        Args:
            *rows: the six coefficients of the affine transformation, row by row, each a number or
                an array with one for each image.
        """
        whole = jnp.broadcast_arrays(*(jnp.asarray(row, "float32") for row in (*rows, 0, 0)))
        return (jnp.stack(whole, axis=1),)


class RandomRotation(AffineImageLayer):
    """Rotates each image by a random angle around its center in training.

    angle = 2 pi f, with f sampled from the range of `factor`; counterclockwise for f > 0

    Args:
        factor: a fraction of a full turn, or a pair: 0.1 samples from -36 to 36 degrees.
        fill_mode: how pixels outside the image are filled: `"reflect"`, `"wrap"`, `"constant"`,
            `"nearest"`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: an integer seed, for reproducible results.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> quarter = cornu.layers.RandomRotation((0.25, 0.25))
    >>> quarter(np.arange(4.0).reshape(2, 2, 1)).round()[..., 0].tolist()
    [[1.0, 3.0], [0.0, 2.0]]

    Differences: an edge of a bounding box lies between two pixels; Keras gives it the coordinate of
    the pixel behind it, so that its results are up to half a pixel away.

    Fixes: bounding boxes have the format of the layer; Keras 3.15 reads all of them as `"xyxy"`.
    """

    def __init__(
        self,
        factor: Factor,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the transformation of each image."""
        angle = 2 * math.pi * rng.uniform(*self.factor)
        x, y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
        # The offsets keep the center of the image in place.
        cos, sin = jnp.cos(angle), jnp.sin(angle)
        return self.matrix(cos, -sin, x - x * cos + y * sin, sin, cos, y - x * sin - y * cos)


class RandomTranslation(AffineImageLayer):
    """Translates each image by a random distance in training.

    Args:
        height_factor: a fraction of the height, or a pair: 0.2 samples from -0.2 to 0.2; negative
            values shift upward.
        width_factor: a fraction of the width, or a pair; negative values shift to the left.
        fill_mode: how pixels outside the image are filled: `"reflect"`, `"wrap"`, `"constant"`,
            `"nearest"`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: an integer seed, for reproducible results.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomTranslation((0.5, 0.5), 0.0, "constant")
    >>> layer(np.ones((2, 2, 1)))[..., 0].tolist()
    [[0.0, 0.0], [1.0, 1.0]]
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.height_factor = factor_range(self._label_(), "height_factor", height_factor)
        self.width_factor = factor_range(self._label_(), "width_factor", width_factor)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the transformation of each image."""
        down = rng.uniform(*self.height_factor) * images.shape[1]
        right = rng.uniform(*self.width_factor) * images.shape[2]
        # Negative, because the matrix maps positions of the output to positions of the input.
        return self.matrix(1, 0, -right, 0, 1, -down)


class RandomZoom(AffineImageLayer):
    """Zooms each image by a random factor around its center in training.

    The image is scaled by 1 / (1 + f), with f sampled from the range of the factor.

    Args:
        height_factor: a number greater than -1, or a pair: 0.2 samples from -0.2 (zooms in) to 0.2
            (zooms out).
        width_factor: the same for the width; by default the value sampled for the height, which
            keeps the aspect ratio.
        fill_mode: how pixels outside the image are filled: `"reflect"`, `"wrap"`, `"constant"`,
            `"nearest"`.
        interpolation: `"bilinear"` or `"nearest"`.
        seed: an integer seed, for reproducible results.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomZoom((1.0, 1.0), fill_mode="constant")
    >>> layer(np.ones((4, 4, 1)))[..., 0].tolist()
    [[0.0, 0.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]]

    Differences: an edge of a bounding box lies between two pixels; Keras gives it the coordinate of
    the pixel behind it, so that its results are up to half a pixel away.
    """

    def __init__(
        self,
        height_factor: Factor,
        width_factor: Factor | None = None,
        fill_mode: FillMode = "reflect",
        interpolation: Interpolation = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.height_factor = _zoom_range(self._label_(), "height_factor", height_factor)
        self.width_factor = (
            None
            if width_factor is None
            else _zoom_range(self._label_(), "width_factor", width_factor)
        )

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the transformation of each image."""
        down = across = 1 + rng.uniform(*self.height_factor)
        if self.width_factor is not None:
            across = 1 + rng.uniform(*self.width_factor)
        x, y = (images.shape[2] - 1) / 2, (images.shape[1] - 1) / 2
        return self.matrix(across, 0, x * (1 - across), 0, down, y * (1 - down))

    def get_clipped_bbox(
        self, bounding_boxes: dict[str, Any], h_end: Any, h_start: Any, w_end: Any, w_start: Any
    ) -> dict[str, Any]:
        """Returns bounding boxes in the format `"xyxy"`, relative to a region and clipped to it.

        Args:
            bounding_boxes: a dict of `"boxes"`, (batch, boxes, 4) or (boxes, 4), and others.
            h_end, h_start: where the region ends and begins vertically, (batch, 1).
            w_end, w_start: where it ends and begins horizontally, (batch, 1).
        """
        boxes = to_array(bounding_boxes["boxes"])
        left, top, right, bottom = (
            _align(edge, boxes) for edge in (w_start, h_start, w_end, h_end)
        )
        first = jnp.concatenate([left, top] * 2, axis=-1)
        last = jnp.concatenate([right, bottom] * 2, axis=-1)
        return {**bounding_boxes, "boxes": boxes.clip(first, last) - first}


class RandomShear(AffineImageLayer):
    """Shears each image in training.

    Args:
        x_factor: the horizontal shift per row, from 0 to 1, or a pair: 0.2 samples from -0.2 to
            0.2, and (0.1, 0.2) from 0.1 to 0.2 with a random sign.
        y_factor: the vertical shift per column, from 0 to 1, or a pair.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: how pixels outside the image are filled: `"reflect"`, `"wrap"`, `"constant"`,
            `"nearest"`.
        fill_value: the value for `fill_mode="constant"`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomShear(0.2, 0.2)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    Fixes: bounding boxes are sheared like the images; Keras 3.15 shears them relative to the size
    of the image, which differs if it is not square, and in one direction after the other.
    """

    def __init__(
        self,
        x_factor: Factor = 0.0,
        y_factor: Factor = 0.0,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.x_factor = _shear_range(self._label_(), "x_factor", x_factor)
        self.y_factor = _shear_range(self._label_(), "y_factor", y_factor)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the transformation of each image."""
        sign = rng.signs()
        across = sign * rng.uniform(*self.x_factor)
        down = sign * rng.uniform(*self.y_factor)
        return self.matrix(1, across, 0, down, 1, 0)


def _invert(matrix: Array) -> Array:
    """Returns the coefficients of the inverse of affine transformations, (batch, 8)."""
    a0, a1, a2, b0, b1, b2, zero, _ = matrix.T
    determinant = a0 * b1 - a1 * b0
    # A shear may map the image to a line.
    determinant = jnp.where(jnp.abs(determinant) < 1e-6, 1e-6, determinant)
    rows = (b1, -a1, a1 * b2 - a2 * b1, -b0, a0, a2 * b0 - a0 * b2)
    return jnp.stack([*(row / determinant for row in rows), zero, zero], axis=1)


def _align(numbers: Any, boxes: Array) -> Array:
    """Reshapes one number per image, (batch, 1), so that it broadcasts against boxes."""
    x = jnp.asarray(numbers, boxes.dtype)
    return x[..., None] if boxes.ndim == 3 else x


def _shear_range(layer: str, name: str, factor: Factor) -> tuple[float, float]:
    if isinstance(factor, (tuple, list)):
        return factor_range(layer, name, factor)
    low, high = factor_range(layer, name, factor, 0)
    return -high, high


def _zoom_range(layer: str, name: str, factor: Factor) -> tuple[float, float]:
    low, high = factor_range(layer, name, factor)
    if low <= -1:
        raise ValueError(f"{layer}: {name} must be greater than -1. Received: {factor!r}")
    return low, high
