"""Random changes of saturation, hue and color."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from cornu.layers.arguments import fraction
from cornu.layers.preprocessing.images.base import RandomImageLayer
from cornu.layers.preprocessing.images.factors import Factor, ImageRNG, factor_range, per_image
from cornu.layers.preprocessing.images.intensity import RandomBrightness, RandomContrast
from cornu.layers.preprocessing.images.pixel_values import ColorLayer
from cornu.ops.image.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv
from cornu.types import Array, DataFormat

__all__ = [
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomGrayscale",
    "RandomHue",
    "RandomSaturation",
]


class RandomSaturation(ColorLayer):
    """Adjusts the saturation of each image randomly in training.

    The saturation is multiplied by f / (1 - f), with f sampled from the range of `factor`: 0
    returns a grayscale image, 0.5 the image itself, 1 an image of full saturation.

    Args:
        factor: a number from 0 to 1, or a pair: 0.6 samples from 0 to 0.6.
        value_range: the lowest and the highest pixel value.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); a single image without batch axis is accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes, or not 3 channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> gray = cornu.layers.RandomSaturation((0.0, 0.0))
    >>> gray(np.array([[[200.0, 100.0, 50.0]]])).ravel().tolist()
    [200.0, 200.0, 200.0]

    Fixes: the saturation is clipped to 1; Keras 3.15 clips it to the highest pixel value, which may
    result in negative values. Integer images become floats; Keras raises an error. A single number
    f samples from 0 to f as documented, not from -f to f.
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
        self.factor = factor_range(self._label_(), "factor", factor, 0)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the factor of the saturation of each image."""
        factor = rng.uniform(*self.factor)
        return (factor / (1 - factor + 1e-7),)  # finite for a factor of 1

    def transform(self, images: Array, factor: Array) -> Array:
        """Returns the images with adjusted saturation: `factor` multiplies that of each image."""
        low = self.value_range[0]
        hsv = _to_hsv(images - low, self._label_())
        saturation = (hsv[..., 1:2] * per_image(factor)).clip(0, 1)
        hsv = jnp.concatenate([hsv[..., :1], saturation, hsv[..., 2:]], axis=-1)
        return hsv_to_rgb(hsv, "channels_last") + low


class RandomHue(ColorLayer):
    """Shifts the hue of each image randomly in training.

    Args:
        factor: the shift from 0 to 1, where 1 is half a turn of the color wheel, or a pair; its
            sign is random.
        value_range: the lowest and the highest pixel value.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); a single image without batch axis is accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes, or not 3 channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomHue((1.0, 1.0))
    >>> layer(np.array([[[255.0, 0.0, 0.0]]])).ravel().tolist()
    [0.0, 255.0, 255.0]
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
        self.factor = factor_range(self._label_(), "factor", factor, 0)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the shift of each image as a fraction of a full turn."""
        # As in Keras, a factor of 1 is half a turn: in both directions, it reaches every hue.
        return (rng.signs() * rng.uniform(*self.factor) / 2,)

    def transform(self, images: Array, turn: Array) -> Array:
        """Returns the images with hues shifted by the fraction `turn` of a full turn."""
        hsv = _to_hsv(self.scale_to(images, 1), self._label_())
        hue = (hsv[..., :1] + per_image(turn)) % 1
        rgb = hsv_to_rgb(jnp.concatenate([hue, hsv[..., 1:]], axis=-1), "channels_last")
        return self.scale_back(rgb.clip(0, 1), 1)


class RandomGrayscale(RandomImageLayer):
    """Converts images to grayscale in training, with some probability.

    y = 0.2989 red + 0.587 green + 0.114 blue, in all channels

    Args:
        factor: the probability, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); a single image without batch axis is accepted.
        Integer images keep their dtype.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes, or not 3 channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> y = cornu.layers.RandomGrayscale(1.0)(np.array([[[100.0, 0.0, 0.0]]]))
    >>> [round(float(v), 2) for v in y.ravel()]
    [29.89, 29.89, 29.89]
    """

    keeps_integers = True
    keeps_positions = True

    def __init__(
        self,
        factor: float = 0.5,
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = fraction(self._label_(), "factor", factor)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the selected images."""
        return (rng.uniform(0, 1) < self.factor,)

    def transform(self, images: Array, selected: Array) -> Array:
        """Returns the images, converted to grayscale where `selected`."""
        return jnp.where(per_image(selected), rgb_to_grayscale(images, "channels_last"), images)


class RandomColorDegeneration(ColorLayer):
    """Blends each image with its grayscale version in training.

    y = clip(x + f (gray(x) - x)), with f sampled from the range of `factor`

    Args:
        factor: a number from -1 to 1, or a pair: 0 returns the image itself, 1 its grayscale
            version, and negative values increase the saturation. 0.5 samples from -0.5 to 0.5.
        value_range: the lowest and the highest pixel value; the result is clipped to it.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        seed: an integer seed, for reproducible results.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); a single image without batch axis is accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes, or not 3 channels.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomColorDegeneration(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)
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
        self.factor = factor_range(self._label_(), "factor", factor)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the weight of the grayscale version of each image."""
        return (rng.uniform(*self.factor),)

    def transform(self, images: Array, factor: Array) -> Array:
        """Returns the images, blended with their grayscale version by the weight `factor`."""
        gray = rgb_to_grayscale(images, "channels_last")
        return (images + per_image(factor) * (gray - images)).clip(*self.value_range)


class RandomColorJitter(ColorLayer):
    """Adjusts brightness, contrast, saturation and hue of each image in training, in this order.

    Args:
        value_range: the lowest and the highest pixel value.
        brightness_factor: the factor of `RandomBrightness`; None for no adjustment.
        contrast_factor: the factor of `RandomContrast`, or None.
        saturation_factor: the factor of `RandomSaturation`, or None.
        hue_factor: the factor of `RandomHue`, or None.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes, or not 3 channels.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomColorJitter(hue_factor=0.1)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    Fixes: in Keras 3.15 the four layers have the same seed, so that their samples are not
    independent.

    Fixes: hues change with `"channels_first"` as well; Keras 3.15 raises an error.
    """

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        brightness_factor: Factor | None = None,
        contrast_factor: Factor | None = None,
        saturation_factor: Factor | None = None,
        hue_factor: Factor | None = None,
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.brightness_factor = brightness_factor
        self.contrast_factor = contrast_factor
        self.saturation_factor = saturation_factor
        self.hue_factor = hue_factor
        factors = (
            (RandomBrightness, brightness_factor),
            (RandomContrast, contrast_factor),
            (RandomSaturation, saturation_factor),
            (RandomHue, hue_factor),
        )
        self._steps = [
            kind(factor, value_range, seed=None if seed is None else seed + i)
            for i, (kind, factor) in enumerate(factors)
            if factor is not None
        ]

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the parameters of each layer."""
        return tuple(step.sample(images, rng) for step in self._steps)

    def transform(self, images: Array, *parameters: Any) -> Array:
        """Returns the adjusted images.

        Args:
            images: float images (batch, height, width, channels).
            *parameters: what `sample` of each of the layers returned.
        """
        for step, numbers in zip(self._steps, parameters, strict=True):
            images = step.transform(images, *numbers)
        return images


def _to_hsv(images: Array, layer: str) -> Array:
    if images.shape[-1] != 3:
        raise ValueError(
            f"{layer}: images must have 3 channels (RGB). Received: {images.shape[-1]}"
        )
    return rgb_to_hsv(images, "channels_last")
