"""Images tilted and wobbled in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.layers.arguments import fraction
from cornu.layers.preprocessing.images.base import Dice, MovingImageLayer, pair, span, spread
from cornu.ops.image.filter import bell, convolve
from cornu.ops.image.warp import map_coordinates, perspective_transform
from cornu.ops.random.generator import Seed
from cornu.types import DataFormat

__all__ = ["RandomElasticTransform", "RandomPerspective"]


class RandomPerspective(MovingImageLayer):
    """Shows images from another side in training, by moving their corners.

    A corner c goes to c (1 + s u), with u drawn from -1/2 to 1/2 for each coordinate.

    Args:
        factor: the probability that an image changes; one is drawn from 0 to this number, or from
            a pair.
        scale: s, how far the corners may go, from 0 to 1.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_value: what is outside of an image.
        seed: an integer, for the same numbers in each run.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomPerspective(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: float = 1.0,
        interpolation: str = "bilinear",
        fill_value: float = 0.0,
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, "constant", fill_value, seed, data_format, **kwargs)
        self.factor = span(self._label(), "factor", factor, 0)
        self.scale = fraction(self._label(), "scale", scale)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns which images change, and by which part of itself each corner moves."""
        moved = dice.uniform(-self.scale / 2, self.scale / 2, 4, 2)
        return dice.chosen(*self.factor), moved

    def move(self, images: Any, chosen: Any, moved: Any, *, interpolation: str) -> Any:
        """Returns the images seen from another side."""
        right, bottom = images.shape[2] - 1, images.shape[1] - 1
        corners = jnp.asarray([[0, 0], [right, 0], [0, bottom], [right, bottom]], moved.dtype)
        starts = jnp.broadcast_to(corners, moved.shape)
        new = perspective_transform(
            images, starts, starts * (1 + moved), interpolation, self.fill_value, "channels_last"
        )
        return jnp.where(spread(chosen), new, images)


class RandomElasticTransform(MovingImageLayer):
    """Wobbles images in training, as if they were printed on rubber.

    Each pixel comes from another place, by smooth noise: of the strength s, its standard
    deviation before smoothing is (0.1 s longer side) (0.05 s shorter side), and the smoothing's
    0.05 s shorter side.

    Args:
        factor: the probability that an image changes; one is drawn from 0 to this number, or from
            a pair.
        scale: s, from 0 to 1; for each batch one is drawn from 0 to this number, or from a pair.
        interpolation: `"bilinear"` or `"nearest"`.
        fill_mode: what is outside of an image: `"reflect"`, `"wrap"`, `"constant"`, `"nearest"`
            or `"mirror"`.
        fill_value: the constant.
        value_range: the lowest and the highest value of images, to which the result is cut.
        seed: an integer, for the same numbers in each run.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomElasticTransform(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    References: Patrice Simard et al. (2003), "Best practices for convolutional neural networks
    applied to visual document analysis".

    Differences: the displacements down and across are independent, as in the paper.
    """

    def __init__(
        self,
        factor: float | Sequence[float] = 1.0,
        scale: Any = 1.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: Seed = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(interpolation, fill_mode, fill_value, seed, data_format, **kwargs)
        self.factor = span(self._label(), "factor", factor, 0)
        self.scale = span(self._label(), "scale", scale, 0)
        self.value_range = pair(self._label(), "value_range", value_range)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns which images change, and from where each pixel comes, (batch, 2, h, w)."""
        height, width = images.shape[1:3]
        strength = dice.once(*self.scale)
        sigma = 0.05 * min(height, width) * strength
        reach = int(6 * 0.05 * min(height, width) * self.scale[1]) | 1
        weights = bell(reach, jnp.maximum(sigma, 1e-3), jnp.float32)
        noise = convolve(sigma * dice.normal(height, width, 2), weights, weights, "SAME")
        moved = 0.1 * max(height, width) * strength * jnp.moveaxis(noise, -1, 1)
        places = jnp.stack(jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij"))
        return dice.chosen(*self.factor), places + moved

    def move(self, images: Any, chosen: Any, places: Any, *, interpolation: str) -> Any:
        """Returns the images, some of them wobbled."""
        order = {"nearest": 0, "bilinear": 1}[interpolation]

        def sample(plane: Any, place: Any) -> Any:
            return map_coordinates(plane, place, order, self.fill_mode, self.fill_value)

        planes = jnp.moveaxis(images, -1, 1)
        new = jax.vmap(jax.vmap(sample, (0, None)))(planes, places)
        return jnp.where(spread(chosen), jnp.moveaxis(new, 1, -1), images)

    def transform(self, images: Any, *drawn: Any) -> Any:
        """Returns the images, some of them wobbled, with values in their range."""
        return super().transform(images, *drawn).clip(*self.value_range)
