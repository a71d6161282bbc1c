"""Images with other colors in training: lighter, darker, paler, of another hue, inverted."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu.layers.arguments import fraction
from cornu.layers.preprocess.image_base import Dice, RandomImageLayer, pair, span, spread
from cornu.ops.color import hsv_to_rgb, rgb_to_grayscale, rgb_to_hsv

__all__ = [
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPosterization",
    "RandomSaturation",
    "Solarization",
]


class ColorLayer(RandomImageLayer):
    """The base of layers that change colors within a range of values.

    Args:
        value_range: the lowest and the highest value that images may have.
        seed: an integer, for the same numbers in each run.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    def __init__(
        self, value_range: Any, seed: Any, data_format: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.value_range = pair(self._who(), "value_range", value_range)

    @property
    def extent(self) -> float:
        """The length of the range of values."""
        return self.value_range[1] - self.value_range[0]

    def to(self, images: Any, high: float) -> Any:
        """Returns the images with values from 0 to `high`."""
        return (images - self.value_range[0]) * (high / self.extent)

    def back(self, images: Any, high: float) -> Any:
        """Returns images with values from 0 to `high` as they were."""
        return images * (self.extent / high) + self.value_range[0]


class RandomBrightness(ColorLayer):
    """Makes each image lighter or darker in training.

    y = clip(x + f (high - low)), with f drawn from the range of `factor`

    Args:
        factor: a number from -1 to 1, or a pair: 0.2 draws from -0.2 to 0.2.
        value_range: the lowest and the highest value of images, to which the result is cut.
        seed: an integer, for the same numbers in each run.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomBrightness((0.2, 0.2))
    >>> layer(np.array([[[0.0], [100.0], [250.0]]])).ravel().tolist()
    [51.0, 151.0, 255.0]

    Differences: images of integers become floats; in Keras 3.15 they run over.
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.factor = span(self._who(), "factor", factor)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns what is added to each image."""
        return (dice.uniform(*self.factor) * self.extent,)

    def transform(self, images: Any, added: Any) -> Any:
        """Returns the images, lighter or darker."""
        return (images + spread(added)).clip(*self.value_range)


class RandomContrast(ColorLayer):
    """Brings the pixels of each image nearer to its mean, or farther away, in training.

    y = clip((x - m) c + m), with c drawn from 1 - lower to 1 + upper, and m the mean of the
    image's channel

    Args:
        factor: (lower, upper), or one number from 0 to 1 for both.
        value_range: the lowest and the highest value of images, to which the result is cut.
        seed: an integer, for the same numbers in each run.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomContrast(0.2)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    Differences: one number means lower and upper, as in the documentation of Keras; Keras 3.15
    draws from 1 to 1 + factor then, which never takes contrast away.
    """

    def __init__(
        self, factor: Any, value_range: Any = (0, 255), seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        low, high = span(self._who(), "factor", factor, 0)
        self.factor = (low, high) if isinstance(factor, (tuple, list)) else (high, high)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns the factor of each image's contrast."""
        return (dice.uniform(1 - self.factor[0], 1 + self.factor[1]),)

    def transform(self, images: Any, contrast: Any) -> Any:
        """Returns the images with more contrast, or less."""
        mean = images.mean((1, 2), keepdims=True)
        return ((images - mean) * spread(contrast) + mean).clip(*self.value_range)


class RandomSaturation(ColorLayer):
    """Makes the colors of each image paler or stronger in training.

    The saturation is multiplied by f / (1 - f), with f drawn from the range of `factor`: 0 gives
    grey images, 0.5 changes nothing, 1 gives pure colors.

    Args:
        factor: a number from 0 to 1, or a pair: 0.6 draws from 0 to 0.6.
        value_range: the lowest and the highest value of images.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        seed: an integer, for the same numbers in each run.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes or channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> grey = cornu.layers.RandomSaturation((0.0, 0.0))
    >>> grey(np.array([[[200.0, 100.0, 50.0]]])).ravel().tolist()
    [200.0, 200.0, 200.0]

    Differences: the saturation never exceeds 1; Keras 3.15 cuts it off at the highest value of
    images, behind which there are negative colors. Images of integers become floats; Keras
    refuses them. One number f draws from 0 to f as documented, not from -f to f.
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = span(self._who(), "factor", factor, 0)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns by what the saturation of each image is multiplied."""
        factor = dice.uniform(*self.factor)
        return (factor / (1 - factor + 1e-7),)

    def transform(self, images: Any, factor: Any) -> Any:
        """Returns the images with paler colors or stronger ones."""
        low = self.value_range[0]
        hsv = _hsv(images - low, self._who())
        saturation = (hsv[..., 1:2] * spread(factor)).clip(0, 1)
        hsv = jnp.concatenate([hsv[..., :1], saturation, hsv[..., 2:]], axis=-1)
        return hsv_to_rgb(hsv, "channels_last") + low


class RandomHue(ColorLayer):
    """Turns the colors of each image around the color wheel in training.

    Args:
        factor: how far, from 0 to 1, where 1 is half a turn in one direction or the other; or a
            pair of them.
        value_range: the lowest and the highest value of images.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        seed: an integer, for the same numbers in each run.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes or channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomHue((1.0, 1.0))
    >>> layer(np.array([[[255.0, 0.0, 0.0]]])).ravel().tolist()
    [0.0, 255.0, 255.0]
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = span(self._who(), "factor", factor, 0)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns by which part of a turn the hue of each image changes."""
        return (dice.signs() * dice.uniform(*self.factor) / 2,)

    def transform(self, images: Any, turn: Any) -> Any:
        """Returns the images with other hues."""
        hsv = _hsv(self.to(images, 1), self._who())
        hue = (hsv[..., :1] + spread(turn)) % 1
        rgb = hsv_to_rgb(jnp.concatenate([hue, hsv[..., 1:]], axis=-1), "channels_last")
        return self.back(rgb.clip(0, 1), 1)


class RandomGrayscale(RandomImageLayer):
    """Makes images grey in training, with some probability.

    y = 0.2989 red + 0.587 green + 0.114 blue, in all channels

    Args:
        factor: the probability, from 0 to 1.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        seed: an integer, for the same numbers in each run.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); the batch may be missing. Images of integers
        stay so.

    Raises:
        ValueError: an argument is not right, or x has another number of axes or channels.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> y = cornu.layers.RandomGrayscale(1.0)(np.array([[[100.0, 0.0, 0.0]]]))
    >>> [round(float(v), 2) for v in y.ravel()]
    [29.89, 29.89, 29.89]
    """

    keeps_integers = True

    def __init__(
        self,
        factor: float = 0.5,
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.factor = fraction(self._who(), "factor", factor)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns which images become grey."""
        return (dice.uniform(0, 1) < self.factor,)

    def transform(self, images: Any, chosen: Any) -> Any:
        """Returns the images, some of them grey."""
        return jnp.where(spread(chosen), rgb_to_grayscale(images, "channels_last"), images)


class RandomColorDegeneration(ColorLayer):
    """Mixes each image with its grey version in training.

    y = clip(x + f (grey(x) - x)), with f drawn from the range of `factor`

    Args:
        factor: a number from -1 to 1, or a pair: 0 changes nothing, 1 gives grey images, and
            negative ones stronger colors. 0.5 draws from -0.5 to 0.5.
        value_range: the lowest and the highest value of images, to which the result is cut.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        seed: an integer, for the same numbers in each run.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, 3) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes or channels.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomColorDegeneration(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = span(self._who(), "factor", factor)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns how grey each image becomes."""
        return (dice.uniform(*self.factor),)

    def transform(self, images: Any, factor: Any) -> Any:
        """Returns the images, more grey or less."""
        grey = rgb_to_grayscale(images, "channels_last")
        return (images + spread(factor) * (grey - images)).clip(*self.value_range)


class RandomInvert(ColorLayer):
    """Inverts images in training, with some probability.

    y = high - x

    Args:
        factor: the probability, from 0 to 1; one is drawn from 0 to this number, or from a pair.
        value_range: the lowest and the highest value of images.
        seed: an integer, for the same numbers in each run.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.RandomInvert((1.0, 1.0))(np.array([[[5.0]]])).ravel().tolist()
    [250.0]

    Differences: y = low + high - x, which stays in the range if it does not begin at 0.
    """

    def __init__(
        self,
        factor: Any = 1.0,
        value_range: Any = (0, 255),
        seed: Any = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = span(self._who(), "factor", factor, 0)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns which images are inverted."""
        return (dice.chosen(*self.factor),)

    def transform(self, images: Any, chosen: Any) -> Any:
        """Returns the images, some of them inverted."""
        return jnp.where(spread(chosen), sum(self.value_range) - images, images)


class RandomPosterization(ColorLayer):
    """Keeps the highest bits of each value in training, so that there are fewer colors.

    Args:
        factor: how many bits of 8 are kept, from 1 to 8; or a pair of which one is drawn for each
            image, both included.
        value_range: the lowest and the highest value of images.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        seed: an integer, for the same numbers in each run.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.RandomPosterization(2)
    >>> layer(np.array([[[63.0], [64.0], [200.0]]])).ravel().tolist()
    [0.0, 64.0, 192.0]

    Differences: one number is how many bits are kept, as documented; Keras 3.15 draws from 1 to
    below it. From a pair it never draws the second.
    """

    def __init__(
        self,
        factor: Any,
        value_range: Any = (0, 255),
        data_format: str | None = None,
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        low, high = (int(n) for n in span(self._who(), "factor", factor, 1, 8))
        self.factor = (low, high) if isinstance(factor, (tuple, list)) else (high, high)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns the bits that each image keeps."""
        low, high = self.factor
        return (jnp.floor(dice.uniform(low, high + 1)).clip(low, high),)

    def transform(self, images: Any, bits: Any) -> Any:
        """Returns the images with fewer colors."""
        step = spread(2.0 ** (8 - bits))
        whole = jnp.floor(self.to(images, 255).clip(0, 255))
        return self.back(jnp.floor(whole / step) * step, 255)


class Solarization(ColorLayer):
    """Adds to all values of each image in training, and inverts those from a threshold on.

    y = x + a if x + a < t else high - (x + a), cut to the range, for values that begin at 0

    Args:
        addition_factor: a as a part of the range of values, from 0 to 1, or a pair; 0.2 draws
            from 0 to 0.2.
        threshold_factor: t as a part of the range, from 0 to 1, or a pair.
        value_range: the lowest and the highest value of images.
        seed: an integer, for the same numbers in each run.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Solarization((0.0, 0.0), (0.5, 0.5))
    >>> layer(np.array([[[100.0], [200.0]]])).ravel().tolist()
    [100.0, 55.0]

    Differences: both ends of a pair are parts of the range; Keras 3.15 takes the lower for a
    value.
    """

    def __init__(
        self,
        addition_factor: Any = 0.0,
        threshold_factor: Any = 0.0,
        value_range: Any = (0, 255),
        seed: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, **kwargs)
        self.addition_factor = span(self._who(), "addition_factor", addition_factor, 0)
        self.threshold_factor = span(self._who(), "threshold_factor", threshold_factor, 0)

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns what is added to each image, and its threshold."""
        added = dice.uniform(*self.addition_factor)
        return 255 * added, 255 * dice.uniform(*self.threshold_factor)

    def transform(self, images: Any, added: Any, threshold: Any) -> Any:
        """Returns the images, in part inverted."""
        x = (self.to(images, 255) + spread(added)).clip(0, 255)
        return self.back(jnp.where(x < spread(threshold), x, 255 - x), 255)


class RandomColorJitter(ColorLayer):
    """Changes brightness, contrast, saturation and hue of each image in training, in this order.

    Args:
        value_range: the lowest and the highest value of images.
        brightness_factor: of `RandomBrightness`; None leaves the brightness.
        contrast_factor: of `RandomContrast`.
        saturation_factor: of `RandomSaturation`.
        hue_factor: of `RandomHue`.
        seed: an integer, for the same numbers in each run.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes or channels.

    Example:

    >>> import cornu
    >>> cornu.layers.RandomColorJitter(hue_factor=0.1)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)

    Differences: those of the four layers. In Keras 3.15 a seed is that of all four, so that what
    they draw is not independent.
    """

    def __init__(
        self,
        value_range: Any = (0, 255),
        brightness_factor: Any = None,
        contrast_factor: Any = None,
        saturation_factor: Any = None,
        hue_factor: Any = None,
        seed: Any = None,
        data_format: str | None = None,
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

    def draw(self, images: Any, dice: Dice) -> tuple[Any, ...]:
        """Returns what each of the layers draws."""
        return tuple(step.draw(images, dice) for step in self._steps)

    def transform(self, images: Any, *drawn: Any) -> Any:
        """Returns the images after all changes."""
        for step, numbers in zip(self._steps, drawn, strict=True):
            images = step.transform(images, *numbers)
        return images


def _hsv(images: Any, who: str) -> Any:
    if images.shape[-1] != 3:
        raise ValueError(
            f"{who}: images have 3 channels (red, green, blue). Received: {images.shape[-1]}"
        )
    return rgb_to_hsv(images, "channels_last")
