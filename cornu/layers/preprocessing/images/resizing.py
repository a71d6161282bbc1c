"""Resizing and cropping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.images.base import RandomImageLayer
from cornu.layers.preprocessing.images.factors import ImageRNG
from cornu.layers.preprocessing.images.spatial import FillMode, SpatialLayer, window_boxes
from cornu.ops.image import resize
from cornu.ops.image.geometry import resized_window
from cornu.types import Array, DataFormat

__all__ = ["CenterCrop", "RandomCrop", "Resizing"]


class Resizing(SpatialLayer):
    """Resizes images.

    Args:
        height: the height of the result.
        width: the width of the result.
        interpolation: `"bilinear"`, `"nearest"`, `"bicubic"`, `"lanczos3"` or `"lanczos5"`.
        crop_to_aspect_ratio: whether to crop images to preserve the aspect ratio.
        pad_to_aspect_ratio: whether to pad images to preserve the aspect ratio.
        fill_mode: `"constant"`.
        fill_value: the value of padding.
        antialias: whether to apply an antialiasing filter when downsampling.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, h, w, channels) -> (batch, height, width, channels); a single image without batch
        axis is accepted. Integer images keep their dtype.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Resizing(4, 6)(np.ones((2, 9, 9, 3), "uint8")).shape
    (2, 4, 6, 3)
    """

    keeps_integers = True

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: FillMode = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = positive_int(self._label_(), "height", height)
        self.width = positive_int(self._label_(), "width", width)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Returns (height, width) of the result."""
        return self.height, self.width

    def move_boxes(self, boxes: Array, size: tuple[Any, Any]) -> Array:
        """Returns the boxes in the resized images."""
        new = self.height, self.width
        window = resized_window(size, new, self.crop_to_aspect_ratio, self.pad_to_aspect_ratio)
        return window_boxes(boxes, window, new)

    def warp(self, images: Array, *, interpolation: str) -> Array:
        """Returns the resized images."""
        return resize(
            images,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            "channels_last",
        )


class CenterCrop(SpatialLayer):
    """Crops the center of images; smaller images are resized instead.

    Args:
        height: the height of the result.
        width: the width of the result.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, h, w, channels) -> (batch, height, width, channels); a single image without batch
        axis is accepted.

    Raises:
        ValueError: a size is not positive, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.CenterCrop(2, 2)(np.arange(16.0).reshape(4, 4, 1))[..., 0].tolist()
    [[5.0, 6.0], [9.0, 10.0]]
    """

    def __init__(
        self, height: int, width: int, data_format: DataFormat | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.height = positive_int(self._label_(), "height", height)
        self.width = positive_int(self._label_(), "width", width)

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Returns (height, width) of the result."""
        return self.height, self.width

    def move_boxes(self, boxes: Array, size: tuple[Any, Any]) -> Array:
        """Returns the boxes in the center of the images."""
        return window_boxes(boxes, self._window(size), (self.height, self.width))

    def warp(self, images: Array, *, interpolation: str) -> Array:
        """Returns the center of the images."""
        (top, tall), (left, wide) = self._window(images.shape[1:3])
        y = images[:, top : top + tall, left : left + wide]
        size = self.height, self.width
        if (tall, wide) == size:
            return y
        return resize(y, size, interpolation, data_format="channels_last")

    def _window(self, size: Sequence[Any]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        """Returns the first index and the length of the part that becomes the result."""
        top, left = (size[0] - self.height) // 2, (size[1] - self.width) // 2
        if top < 0 or left < 0:
            return resized_window(size, (self.height, self.width), crop=True)
        return (top, self.height), (left, self.width)


class RandomCrop(SpatialLayer, RandomImageLayer):
    """Crops each image at a random position in training.

    At inference, and if images are too small, the result is the largest centered crop with the
    aspect ratio of the result, resized.

    Args:
        height: the height of the result.
        width: the width of the result.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        name: the name of the layer.
        **kwargs: `dtype` and others of `Layer`.

    Shapes:
        x (batch, h, w, channels) -> (batch, height, width, channels); a single image without batch
        axis is accepted.

    Raises:
        ValueError: a size is not positive, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.RandomCrop(4, 4, seed=1)(np.ones((2, 9, 9, 3)), training=True).shape
    (2, 4, 4, 3)

    Differences: each image is cropped at its own position; in Keras all images of a batch are
    cropped at the same position.

    Fixes: at inference Keras 3.15 returns the images unchanged, contrary to its documentation
    (keras-team/keras#21868). It moves bounding boxes horizontally by the vertical position of the
    crop, and the reverse.
    """

    random = False  # at inference, images are cropped at their center

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, name=name, **kwargs)
        self.height = positive_int(self._label_(), "height", height)
        self.width = positive_int(self._label_(), "width", width)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the relative vertical and horizontal position of each crop, from 0 to 1."""
        return (rng.uniform(0, 1, 2),)

    def sample_at_inference(self, images: Any) -> tuple[Any, ...]:
        """Returns no position: the images are cropped at their center."""
        return ()

    def output_size(self, size: tuple[Any, Any]) -> tuple[Any, Any]:
        """Returns (height, width) of the result."""
        return self.height, self.width

    def move_boxes(self, boxes: Array, size: tuple[Any, Any], *position: Array) -> Array:
        """Returns the boxes in the cropped images.

        Args:
            boxes, size: as in other layers.
            *position: the relative vertical and horizontal position of each crop; none for the
                center.
        """
        window = self._window(size, *(at[:, None, None] for at in position))
        return window_boxes(boxes, window, (self.height, self.width))

    def warp(self, images: Array, *position: Array, interpolation: str) -> Array:
        """Returns the cropped images.

        Args:
            images: float images (batch, height, width, channels).
            *position: the relative vertical and horizontal position of each crop; none for the
                center.
            interpolation: `"bilinear"` or `"nearest"`, for images smaller than the crop.
        """
        size = self.height, self.width
        if not position or not self._fits(images.shape[1:3]):
            return resize(images, size, interpolation, False, True, data_format="channels_last")
        (top, _), (left, _) = self._window(images.shape[1:3], *position)
        cut: Callable[[Array, Array, Array], Array] = jax.vmap(
            lambda image, y, x: lax.dynamic_slice(image, (y, x, 0), (*size, image.shape[-1]))
        )
        return cut(images, top, left)

    def _fits(self, size: Sequence[Any]) -> Any:
        return size[0] >= self.height and size[1] >= self.width

    def _window(self, size: Sequence[Any], *position: Array) -> Any:
        """Returns the first index and the length of the part that becomes the result."""
        new = self.height, self.width
        if not position or not self._fits(size):
            return resized_window(size, new, crop=True)
        # A spare of n pixels allows n + 1 positions; floor makes them equally likely.
        return tuple(
            (
                jnp.floor(position[0][..., axis] * (size[axis] - new[axis] + 1)).astype(int),
                new[axis],
            )
            for axis in (0, 1)
        )
