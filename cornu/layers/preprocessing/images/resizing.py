"""Resizing and cropping."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.images.base import FillMode, ImageLayer, ImageRNG, RandomImageLayer
from cornu.ops.image import resize
from cornu.types import Array, DataFormat

__all__ = ["CenterCrop", "RandomCrop", "Resizing"]


class Resizing(ImageLayer):
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

    def transform(self, images: Array) -> Array:
        """Returns the resized images."""
        return self._resize(images, self.interpolation)

    def transform_masks(self, masks: Array) -> Array:
        """Returns the resized masks, without interpolating between classes."""
        return self._resize(masks, "nearest")

    def _resize(self, x: Array, interpolation: str) -> Array:
        return resize(
            x,
            (self.height, self.width),
            interpolation,
            self.antialias,
            self.crop_to_aspect_ratio,
            self.pad_to_aspect_ratio,
            self.fill_mode,
            self.fill_value,
            "channels_last",
        )


class CenterCrop(ImageLayer):
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

    def transform(self, images: Array) -> Array:
        """Returns the center of the images."""
        return _crop_center(images, self.height, self.width, "bilinear")

    def transform_masks(self, masks: Array) -> Array:
        """Returns the center of the masks."""
        return _crop_center(masks, self.height, self.width, "nearest")


class RandomCrop(RandomImageLayer):
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
    (keras-team/keras#21868).
    """

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

    def transform(self, images: Array, position: Array) -> Array:
        """Returns the cropped images."""
        return self._crop(images, position, "bilinear")

    def transform_masks(self, masks: Array, position: Array) -> Array:
        """Returns the masks, cropped like the images."""
        return self._crop(masks, position, "nearest")

    def infer_images(self, images: Array) -> Array:
        """Returns the largest centered crop with the target aspect ratio, resized."""
        return _resize_cropped(images, self.height, self.width, "bilinear")

    def infer_masks(self, masks: Array) -> Array:
        """Returns the masks, cropped and resized like the images."""
        return _resize_cropped(masks, self.height, self.width, "nearest")

    def _crop(self, x: Array, position: Array, interpolation: str) -> Array:
        size = (self.height, self.width, x.shape[-1])
        spare = x.shape[1] - self.height, x.shape[2] - self.width
        if min(spare) < 0:
            return _resize_cropped(x, self.height, self.width, interpolation)
        # A spare of n pixels allows n + 1 positions; floor makes them equally likely.
        begin = jnp.floor(position * jnp.asarray([n + 1 for n in spare])).astype(int)
        cut: Callable[[Array, Array], Array] = jax.vmap(
            lambda image, at: lax.dynamic_slice(image, (at[0], at[1], 0), size)
        )
        return cut(x, begin)


def _resize_cropped(x: Array, height: int, width: int, interpolation: str) -> Array:
    return resize(x, (height, width), interpolation, False, True, data_format="channels_last")


def _crop_center(x: Array, height: int, width: int, interpolation: str) -> Array:
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    if top < 0 or left < 0:
        return _resize_cropped(x, height, width, interpolation)
    return x[:, top : top + height, left : left + width]
