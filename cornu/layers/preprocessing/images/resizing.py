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
        crop_to_aspect_ratio: whether to crop instead of distorting the aspect ratio.
        pad_to_aspect_ratio: whether to pad instead of distorting the aspect ratio.
        fill_mode: `"constant"`.
        fill_value: the value of added borders.
        antialias: whether to blur before making images smaller.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, h, w, channels) -> (batch, height, width, channels); a single image without batch
        axis is accepted. Images of integers stay so.

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
        self.height = positive_int(self._label(), "height", height)
        self.width = positive_int(self._label(), "width", width)
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias

    def transform(self, images: Array) -> Array:
        """Returns images of the size."""
        return self._resized(images, self.interpolation)

    def transform_masks(self, masks: Array) -> Array:
        """Returns masks of the size, in which no values are mixed."""
        return self._resized(masks, "nearest")

    def _resized(self, x: Array, interpolation: str) -> Array:
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
    """Crops the center of images; smaller ones are resized first.

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
        self.height = positive_int(self._label(), "height", height)
        self.width = positive_int(self._label(), "width", width)

    def transform(self, images: Array) -> Array:
        """Returns the middle of the images."""
        return _middle(images, self.height, self.width, "bilinear")

    def transform_masks(self, masks: Array) -> Array:
        """Returns the middle of the masks."""
        return _middle(masks, self.height, self.width, "nearest")


class RandomCrop(RandomImageLayer):
    """Crops each image at a random position in training.

    Otherwise, and for images that are smaller, it is the largest part in the middle that has the
    aspect ratio, resized.

    Args:
        height: the height of the result.
        width: the width of the result.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        name: the layer's name.
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

    Differences: each image is cut somewhere else; in Keras all of a batch are cut alike. Outside
    of training Keras 3.15 returns the images as they are, with a size that the model does not
    expect; what is done here is what its documentation says.
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
        self.height = positive_int(self._label(), "height", height)
        self.width = positive_int(self._label(), "width", width)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns where each part begins, down and across, from 0 to 1."""
        return (rng.uniform(0, 1, 2),)

    def transform(self, images: Array, position: Array) -> Array:
        """Returns a part of each image."""
        return self._cut(images, position, "bilinear")

    def transform_masks(self, masks: Array, position: Array) -> Array:
        """Returns the same part of each mask."""
        return self._cut(masks, position, "nearest")

    def infer_images(self, images: Array) -> Array:
        """Returns the largest part in the middle that has the aspect ratio, resized."""
        return _fitting(images, self.height, self.width, "bilinear")

    def infer_masks(self, masks: Array) -> Array:
        """Returns the same of the masks."""
        return _fitting(masks, self.height, self.width, "nearest")

    def _cut(self, x: Array, position: Array, interpolation: str) -> Array:
        size = (self.height, self.width, x.shape[-1])
        spare = x.shape[1] - self.height, x.shape[2] - self.width
        if min(spare) < 0:
            return _fitting(x, self.height, self.width, interpolation)
        begin = jnp.floor(position * jnp.asarray([n + 1 for n in spare])).astype(int)
        cut: Callable[[Array, Array], Array] = jax.vmap(
            lambda image, at: lax.dynamic_slice(image, (at[0], at[1], 0), size)
        )
        return cut(x, begin)


def _fitting(x: Array, height: int, width: int, interpolation: str) -> Array:
    return resize(x, (height, width), interpolation, False, True, data_format="channels_last")


def _middle(x: Array, height: int, width: int, interpolation: str) -> Array:
    top, left = (x.shape[1] - height) // 2, (x.shape[2] - width) // 2
    if top < 0 or left < 0:
        return _fitting(x, height, width, interpolation)
    return x[:, top : top + height, left : left + width]
