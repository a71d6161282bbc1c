"""Random perspective and elastic transformations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.layers.arguments import fraction
from cornu.layers.preprocessing.images.factors import (
    Factor,
    ImageRNG,
    factor_range,
    per_image,
    value_pair,
)
from cornu.layers.preprocessing.images.spatial import (
    FillMode,
    GeometricImageLayer,
    Interpolation,
    find_bounds,
    map_box_corners,
)
from cornu.ops.image.geometry import homography, project
from cornu.ops.image.kernels import convolve_separable, gaussian_weights
from cornu.ops.image.warp import map_coordinates, perspective_transform
from cornu.types import Array, DataFormat

__all__ = ["RandomElasticTransform", "RandomPerspective"]


class RandomPerspective(GeometricImageLayer):
    """Applies a random perspective transformation in training, by moving the corners.

    A corner c moves to c (1 + s u), with u sampled from -1/2 to 1/2 for each coordinate.

    Args:
        factor: the probability that an image is transformed, sampled from 0 to this number, or
            from a pair.
        scale: s, the maximum displacement of the corners, from 0 to 1.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: the value of pixels outside the image.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomPerspective(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    Differences: an edge of a bounding box lies between two pixels; Keras gives it the coordinate of
    the pixel behind it, so that its results are up to half a pixel away.

    Fixes: bounding boxes are returned in the format of the layer; Keras 3.15 returns `"xyxy"`.
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: float = 1.0,
        interpolation: Interpolation = "bilinear",
        fill_value: float = 0.0,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, "constant", fill_value, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)
        self.scale = fraction(self._label_(), "scale", scale)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the selected images, and the relative displacement of each corner."""
        moved = rng.uniform(-self.scale / 2, self.scale / 2, 4, 2)
        return rng.bernoulli(*self.factor), moved

    def warp(self, images: Array, selected: Array, moved: Array, *, interpolation: str) -> Array:
        """Returns the images, transformed where `selected`; `moved` are the displacements of the
        corners.
        """
        starts, ends = _move_corners(images.shape[1:3], moved)
        new = perspective_transform(
            images, starts, ends, interpolation, self.fill_value, "channels_last"
        )
        return jnp.where(per_image(selected), new, images)

    def move_boxes(
        self, boxes: Array, size: tuple[Any, Any], selected: Array, moved: Array
    ) -> Array:
        """Returns the boxes that enclose the transformed boxes, where selected.

        Args:
            boxes, size: as in other layers.
            selected: whether each image is transformed.
            moved: the displacements of the corners, as fractions of their coordinates.
        """
        transform = homography(*_move_corners(size, moved))[:, None]
        new = map_box_corners(boxes, lambda x, y: project(x, y, transform))
        return jnp.where(selected[:, None, None], new, boxes)


def _move_corners(size: Sequence[Any], moved: Array) -> tuple[Array, Array]:
    """Returns the corners of images of a size, and the points to which they are moved."""
    right, bottom = size[1] - 1, size[0] - 1
    corners = jnp.asarray([[0, 0], [right, 0], [0, bottom], [right, bottom]], moved.dtype)
    # As in Keras, a corner moves in proportion to its coordinates, so that the first one stays.
    starts = jnp.broadcast_to(corners, moved.shape)
    return starts, starts * (1 + moved)


class RandomElasticTransform(GeometricImageLayer):
    """Applies random elastic deformations in training.

    Pixels are displaced by smoothed noise. At strength s, the standard deviation of the noise is
    (0.1 s longer side) (0.05 s shorter side) before smoothing, and that of the Gaussian kernel is
    0.05 s shorter side.

    Args:
        factor: the probability that an image is transformed, sampled from 0 to this number, or
            from a pair.
        scale: s, from 0 to 1, sampled for each batch from 0 to this number, or from a pair.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: how pixels outside the image are filled: `"reflect"`, `"wrap"`, `"constant"`,
            `"nearest"` or `"mirror"`.
        fill_value: the value for `fill_mode="constant"`.
        value_range: the lowest and the highest pixel value; the result is clipped to it.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomElasticTransform(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    References: Patrice Simard et al. (2003), "Best practices for convolutional neural networks
    applied to visual document analysis".

    Extensions: bounding boxes are transformed; Keras raises an error.

    Fixes: the vertical and horizontal displacements are independent, as in the paper; in Keras 3.15
    they are equal.
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = 1.0,
        interpolation: Interpolation = "bilinear",
        fill_mode: FillMode = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)
        self.scale = factor_range(self._label_(), "scale", scale, 0)
        self.value_range = value_pair(self._label_(), "value_range", value_range)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the selected images, and the source position of each pixel, (batch, 2, h, w)."""
        height, width = images.shape[1:3]
        # One strength per batch, because all images share the smoothing kernel.
        strength = rng.uniform_scalar(*self.scale)
        alpha, sigma = self.get_elastic_transform_params(height, width, strength)
        # The kernel size must be static, so it is that of the largest strength; always odd.
        reach = int(6 * self.get_elastic_transform_params(height, width, self.scale[1])[1]) | 1
        weights = gaussian_weights(reach, jnp.maximum(sigma, 1e-3), jnp.float32)
        noise = convolve_separable(sigma * rng.normal(height, width, 2), weights, weights, "SAME")
        moved = alpha * jnp.moveaxis(noise, -1, 1)
        positions = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"))
        return rng.bernoulli(*self.factor), positions + moved

    def get_elastic_transform_params(self, height: Any, width: Any, factor: Any) -> tuple[Any, Any]:
        """Returns the scale of the displacements, and the standard deviation of the smoothing.

        Args:
            height, width: the size of the images.
            factor: the strength of the deformation, from 0 to 1.
        """
        # The constants of Keras.
        return 0.1 * max(height, width) * factor, 0.05 * min(height, width) * factor

    def warp(
        self, images: Array, selected: Array, positions: Array, *, interpolation: str
    ) -> Array:
        """Returns the images, transformed where `selected`."""
        order = {"nearest": 0, "bilinear": 1}[interpolation]

        def sample(plane: Array, position: Array) -> Array:
            return map_coordinates(plane, position, order, self.fill_mode, self.fill_value)

        planes = jnp.moveaxis(images, -1, 1)
        new = jax.vmap(jax.vmap(sample, (0, None)))(planes, positions)
        return jnp.where(per_image(selected), jnp.moveaxis(new, 1, -1), images)

    def move_boxes(
        self, boxes: Array, size: tuple[Any, Any], selected: Array, positions: Array
    ) -> Array:
        """Returns the boxes that enclose the pixels that come from the boxes, where selected.

        Args:
            boxes, size: as in other layers.
            selected: whether each image is transformed.
            positions: the source of each pixel, (batch, 2, height, width).
        """
        return jnp.where(selected[:, None, None], _find_moved(boxes, positions), boxes)

    def transform(self, images: Array, *parameters: Any) -> Array:
        """Returns the transformed images, clipped to the value range.

        Args:
            images: float images (batch, height, width, channels).
            *parameters: what `sample` returned.
        """
        return super().transform(images, *parameters).clip(*self.value_range)


@jax.jit  # compiled, so that no array of (batch, boxes, height, width) is stored
def _find_moved(boxes: Array, positions: Array) -> Array:
    """Returns the boxes that enclose the pixels whose source positions lie in boxes."""
    x1, y1, x2, y2 = jnp.moveaxis(boxes, -1, 0)[..., None, None]
    y, x = jnp.moveaxis(positions, 1, 0)[:, :, None] + 0.5
    new: Array = find_bounds((x >= x1) & (x < x2) & (y >= y1) & (y < y2))
    return new
