"""Random flips."""

from __future__ import annotations

import functools
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from cornu.errors import check_choice
from cornu.layers.preprocessing.base import is_alone
from cornu.layers.preprocessing.images.base import RandomImageLayer
from cornu.layers.preprocessing.images.factors import ImageRNG, per_image
from cornu.layers.preprocessing.images.spatial import SpatialLayer
from cornu.types import Array, DataFormat

__all__ = ["RandomFlip"]

_FLIPS = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (2, 1)}


class RandomFlip(SpatialLayer, RandomImageLayer):
    """Flips each image in training with probability 1/2.

    Args:
        mode: `"horizontal"`, `"vertical"`, or `"horizontal_and_vertical"`, which flips
            independently in both directions.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: `mode` is unknown, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomFlip("horizontal", seed=1)
    >>> y = layer(np.tile(np.array([1.0, 2.0]).reshape(1, 1, 2, 1), (20, 1, 1, 1)))
    >>> sorted(set(map(tuple, y.reshape(20, 2).tolist())))
    [(1.0, 2.0), (2.0, 1.0)]

    Differences: as with all random layers, `model(x)` has no effect without `training=True`; in
    Keras it does.

    Fixes: in Keras 3.15 `"horizontal_and_vertical"` flips an image in both directions or in none.
    """

    def __init__(
        self,
        mode: Literal[
            "horizontal", "vertical", "horizontal_and_vertical"
        ] = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.mode = check_choice(self._label_(), "mode", mode, _FLIPS)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns for each direction the images that are flipped."""
        return tuple(rng.uniform(0, 1) <= 0.5 for _ in _FLIPS[self.mode])

    def warp(self, images: Array, *flipped: Any, interpolation: str) -> Array:
        """Returns the images, flipped where selected.

        Args:
            images: float images (batch, height, width, channels).
            *flipped: for each direction, whether each image is flipped.
            interpolation: has no effect: pixels are not interpolated.
        """
        new: Array = _flip(images, flipped, _FLIPS[self.mode])
        return new

    def transform_images(
        self, images: Any, transformation: Any = None, training: bool = True
    ) -> Array:
        """Returns a batch of images, flipped where selected.

        Args:
            images, transformation, training: as in other layers.
        """
        flipped = self._numbers(transformation, training)
        if flipped is None or not self._reads(images):
            return super().transform_images(images, transformation, training)
        first = self.data_format == "channels_first"
        axes = tuple(axis + first for axis in _FLIPS[self.mode])
        # The program reads the memory of the images, which may change after the call.
        new: Array = jax.block_until_ready(_flip(images, flipped, axes))
        return new

    def _convert_arguments_(self, args: Any, kwargs: Any) -> tuple[Any, Any]:
        only = len(args) == 1 and kwargs.keys() <= {"training"}
        if only and self._reads(args[0]) and is_alone():
            return args, kwargs
        return super()._convert_arguments_(args, kwargs)

    def _reads(self, images: Any) -> bool:
        """Whether the program reads images where they are, because JAX would copy them before."""
        plain = type(self) is RandomFlip and type(images) is np.ndarray and images.ndim == 4
        return plain and images.dtype == "float32" == self.compute_dtype

    def move_boxes(self, boxes: Array, size: tuple[Any, Any], *flipped: Any) -> Array:
        """Returns the boxes, flipped where selected.

        Args:
            boxes, size: as in other layers.
            *flipped: for each direction, whether each image is flipped.
        """
        x1, y1, x2, y2 = jnp.split(boxes, 4, axis=-1)
        for axis, selected in zip(_FLIPS[self.mode], flipped, strict=True):
            chosen, length = selected[:, None, None], size[axis - 1]
            if axis == 2:
                x1, x2 = (jnp.where(chosen, length - b, a) for a, b in ((x1, x2), (x2, x1)))
            else:
                y1, y2 = (jnp.where(chosen, length - b, a) for a, b in ((y1, y2), (y2, y1)))
        return jnp.concatenate([x1, y1, x2, y2], axis=-1)


# One program, because each of its operations alone would write all images.
@functools.partial(jax.jit, static_argnames="axes", inline=True)
def _flip(images: Array, flipped: tuple[Array, ...], axes: tuple[int, ...]) -> Array:
    """Returns a batch of images, of which those selected for an axis are reversed along it."""
    for axis, selected in zip(axes, flipped, strict=True):
        images = jnp.where(per_image(selected), jnp.flip(images, axis), images)
    return images
