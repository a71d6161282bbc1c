"""Random changes of brightness, contrast and pixel values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.layers.preprocessing.images.factors import Factor, ImageRNG, factor_range, per_image
from cornu.layers.preprocessing.images.pixel_values import ColorLayer
from cornu.types import Array, DataFormat

__all__ = [
    "RandomBrightness",
    "RandomContrast",
    "RandomInvert",
    "RandomPosterization",
    "Solarization",
]


class RandomBrightness(ColorLayer):
    """Adjusts the brightness of each image randomly in training.

    y = clip(x + f (high - low)), with f sampled from the range of `factor`

    Args:
        factor: a number from -1 to 1, or a pair: 0.2 samples from -0.2 to 0.2.
        value_range: the lowest and the highest pixel value; the result is clipped to it.
        seed: an integer seed, for reproducible results.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomBrightness((0.2, 0.2))
    >>> layer(np.array([[[0.0], [100.0], [250.0]]])).ravel().tolist()
    [51.0, 151.0, 255.0]

    Fixes: integer images become floats; in Keras 3.15 they overflow.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the number that is added to each image."""
        return (rng.uniform(*self.factor) * self.extent,)

    def transform(self, images: Array, added: Array) -> Array:
        """Returns the images plus `added`, a number for each image."""
        return (images + per_image(added)).clip(*self.value_range)


class RandomContrast(ColorLayer):
    """Adjusts the contrast of each image randomly in training.

    y = clip((x - m) c + m), with c sampled from 1 - lower to 1 + upper, and m the mean of the
    image's channel

    Args:
        factor: (lower, upper), or a number from 0 to 1 for both.
        value_range: the lowest and the highest pixel value; the result is clipped to it.
        seed: an integer seed, for reproducible results.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomContrast(0.2)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    Fixes: a single number is both lower and upper, as documented by Keras; Keras 3.15 samples from
    1 to 1 + factor, which never reduces the contrast.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        low, high = factor_range(self._label_(), "factor", factor, 0)
        self.factor = (low, high) if isinstance(factor, (tuple, list)) else (high, high)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the contrast factor of each image."""
        return (rng.uniform(1 - self.factor[0], 1 + self.factor[1]),)

    def transform(self, images: Array, contrast: Array) -> Array:
        """Returns the images with adjusted contrast: distances to the mean, times `contrast`."""
        mean = images.mean((1, 2), keepdims=True)
        return ((images - mean) * per_image(contrast) + mean).clip(*self.value_range)


class RandomInvert(ColorLayer):
    """Inverts images in training, with some probability.

    y = low + high - x, with (low, high) the value range

    Args:
        factor: the probability, from 0 to 1; sampled from 0 to this number, or from a pair.
        value_range: the lowest and the highest pixel value.
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

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.RandomInvert((1.0, 1.0))(np.array([[[5.0]]])).ravel().tolist()
    [250.0]

    Fixes: inverted pixels stay within the value range; Keras computes y = high - x, which leaves it
    if low is not 0.
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the selected images."""
        return (rng.bernoulli(*self.factor),)

    def transform(self, images: Array, selected: Array) -> Array:
        """Returns the images, inverted where `selected`."""
        return jnp.where(per_image(selected), sum(self.value_range) - images, images)


class RandomPosterization(ColorLayer):
    """Reduces the number of bits of each channel in training.

    Args:
        factor: the number of most significant bits to keep, from 1 to 8; or a pair, from which it
            is sampled for each image, both ends included.
        value_range: the lowest and the highest pixel value.
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

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomPosterization(2)
    >>> layer(np.array([[[63.0], [64.0], [200.0]]])).ravel().tolist()
    [0.0, 64.0, 192.0]

    Fixes: a single number is the number of bits, as documented; Keras 3.15 samples from 1 to
    `factor` - 1. It also excludes the upper end of a pair.
    """

    def __init__(
        self,
        factor: Factor,
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        low, high = (int(n) for n in factor_range(self._label_(), "factor", factor, 1, 8))
        self.factor = (low, high) if isinstance(factor, (tuple, list)) else (high, high)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the number of bits of each image."""
        low, high = self.factor
        # Clipped, because a float32 uniform number may be rounded up to its upper bound.
        return (jnp.floor(rng.uniform(low, high + 1)).clip(low, high),)

    def transform(self, images: Array, bits: Array) -> Array:
        """Returns the images with `bits` bits per channel, a number for each image."""
        step = per_image(2.0 ** (8 - bits))
        whole = jnp.floor(self.scale_to(images, 255).clip(0, 255))
        return self.scale_back(jnp.floor(whole / step) * step, 255)


class Solarization(ColorLayer):
    """Adds a number to the values of each image in training, and inverts values above a threshold.

    y = x + a if x + a < t else high - (x + a), with x + a clipped to the range, for low = 0

    Args:
        addition_factor: a as a fraction of the value range, from 0 to 1, or a pair; 0.2 samples
            from 0 to 0.2.
        threshold_factor: t as a fraction of the value range, from 0 to 1, or a pair.
        value_range: the lowest and the highest pixel value.
        seed: an integer seed, for reproducible results.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Solarization((0.0, 0.0), (0.5, 0.5))
    >>> layer(np.array([[[100.0], [200.0]]])).ravel().tolist()
    [100.0, 55.0]

    Fixes: both ends of a pair are fractions of the range; Keras 3.15 uses the lower one as a pixel
    value.
    """

    def __init__(
        self,
        addition_factor: Factor = 0.0,
        threshold_factor: Factor = 0.0,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.addition_factor = factor_range(self._label_(), "addition_factor", addition_factor, 0)
        self.threshold_factor = factor_range(
            self._label_(), "threshold_factor", threshold_factor, 0
        )

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the number that is added to each image, and its threshold."""
        added = rng.uniform(*self.addition_factor)
        return 255 * added, 255 * rng.uniform(*self.threshold_factor)

    def transform(self, images: Array, added: Array, threshold: Array) -> Array:
        """Returns the solarized images.

        Args:
            images: float images (batch, height, width, channels).
            added: the number that is added to each image.
            threshold: the value above which values of each image are inverted.
        """
        x = (self.scale_to(images, 255) + per_image(added)).clip(0, 255)
        return self.scale_back(jnp.where(x < per_image(threshold), x, 255 - x), 255)
