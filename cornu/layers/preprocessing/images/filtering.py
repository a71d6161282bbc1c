"""Random sharpness, Gaussian blur and erasing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import lax

from cornu.layers.preprocessing.images.factors import Factor, ImageRNG, factor_range, per_image
from cornu.layers.preprocessing.images.pixel_values import ColorLayer
from cornu.ops.image.filter import gaussian_blur
from cornu.types import Array, DataFormat

__all__ = ["RandomErasing", "RandomGaussianBlur", "RandomSharpness"]


class RandomSharpness(ColorLayer):
    """Sharpens or smooths each image in training.

    y = clip(x + (1 - 2 f) (s - x)), with s the image smoothed over 3 x 3 pixels, and f sampled from
    the range of `factor`: 0 returns s, 0.5 returns x, 1 sharpens

    Args:
        factor: a number from 0 to 1, or a pair: 0.6 samples from 0 to 0.6.
        value_range: the lowest and the highest pixel value; the result is clipped to it.
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
    >>> layer = cornu.layers.RandomSharpness((0.5, 0.5))
    >>> layer(np.array([[[5.0], [90.0]]])).ravel().tolist()
    [5.0, 90.0]
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
        """Returns the factor of each image."""
        return (rng.uniform(*self.factor),)

    def transform(self, images: Array, factor: Array) -> Array:
        """Returns the sharpened or smoothed images.

        Args:
            images: float images (batch, height, width, channels).
            factor: 0 for the smoothed image, 0.5 for the image itself, 1 for the sharpened one.
        """
        # Factor 0 gives the smoothed image, 0.5 the image itself, and 1 the sharpened image.
        smooth = _smooth(images)
        return (images + (1 - 2 * per_image(factor)) * (smooth - images)).clip(*self.value_range)


def _smooth(images: Array) -> Array:
    """Returns the mean of 3 x 3 pixels with weight 5 at the center, zero-padded."""
    # The kernel of Pillow's SMOOTH filter.
    nine: Array = lax.reduce_window(images, 0.0, lax.add, (1, 3, 3, 1), (1, 1, 1, 1), "SAME")
    return (nine + 4 * images) / 13


class RandomGaussianBlur(ColorLayer):
    """Blurs images in training, with some probability.

    Args:
        factor: the probability, from 0 to 1; sampled from 0 to this number, or from a pair.
        kernel_size: the size of the kernel, an odd number, or (height, width).
        sigma: the standard deviation, from 0 to 1, sampled for each batch and direction from 0 to
            this number, or from a pair.
        value_range: the lowest and the highest pixel value; the result is clipped to it.
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
    >>> cornu.layers.RandomGaussianBlur(0.5)(cornu.Input((8, 8, 3))).shape
    (None, 8, 8, 3)
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        kernel_size: int | Sequence[int] = 3,
        sigma: Factor = 1.0,
        value_range: Sequence[float] = (0, 255),
        data_format: DataFormat | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)
        self.sigma = factor_range(self._label_(), "sigma", sigma, 0)
        sizes = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * 2
        if len(sizes) != 2 or any(n % 2 != 1 or n < 1 for n in sizes):
            raise ValueError(
                f"{self._label_()}: kernel_size must be an odd number, or a pair of them. "
                f"Received: {kernel_size!r}"
            )
        self.kernel_size = tuple(sizes)

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the selected images, and the standard deviation in each direction."""
        # A standard deviation of 0 would divide by 0.
        strength = rng.uniform_scalar(*self.sigma, 2) + 1e-6
        return rng.bernoulli(*self.factor), strength

    def transform(self, images: Array, selected: Array, strength: Array) -> Array:
        """Returns the images, blurred where selected.

        Args:
            images: float images (batch, height, width, channels).
            selected: whether each image is blurred.
            strength: the standard deviation in each direction, in pixels.
        """
        blurred = gaussian_blur(images, self.kernel_size, strength, "channels_last")
        return jnp.where(per_image(selected), blurred, images).clip(*self.value_range)


class RandomErasing(ColorLayer):
    """Erases a rectangle of each image in training, with some probability.

    Args:
        factor: the probability, from 0 to 1; sampled from 0 to this number, or from a pair.
        scale: the fraction of the image that is erased, from 0 to 1. The relative height and width
            are the square roots of two samples from 0 to this number, or from a pair.
        fill_value: the value of the rectangle: a number, or one for each channel; normal noise by
            default.
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
    >>> all_of_it = cornu.layers.RandomErasing((1.0, 1.0), scale=(1.0, 1.0), fill_value=7)
    >>> all_of_it(np.ones((2, 2, 1))).ravel().tolist()
    [7.0, 7.0, 7.0, 7.0]

    References: Zhun Zhong et al. (2017), "Random Erasing Data Augmentation", arXiv 1708.04896.
    """

    def __init__(
        self,
        factor: Factor = 1.0,
        scale: Factor = (0.02, 0.33),
        fill_value: float | Sequence[float] | None = None,
        value_range: Sequence[float] = (0, 255),
        seed: int | None = None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(value_range, seed, data_format, **kwargs)
        self.factor = factor_range(self._label_(), "factor", factor, 0)
        self.scale = factor_range(self._label_(), "scale", scale, 0)
        self.fill_value = fill_value

    def sample(self, images: Array, rng: ImageRNG) -> tuple[Any, ...]:
        """Returns the selected images, the rectangles, and the fill values."""
        # The scale is a fraction of the area, its root one of the side.
        sides = jnp.sqrt(rng.uniform(*self.scale, 2))
        inside = rectangle_mask(images, sides, rng.uniform(0, 1, 2))
        if self.fill_value is None:
            noise = rng.normal(*images.shape[1:])
            return rng.bernoulli(*self.factor), inside, noise * self.value_range[1]
        return rng.bernoulli(*self.factor), inside, jnp.asarray(self.fill_value, "float32")

    def transform(self, images: Array, selected: Array, inside: Array, instead: Array) -> Array:
        """Returns the images, with a rectangle erased where selected.

        Args:
            images: float images (batch, height, width, channels).
            selected: whether a rectangle of each image is erased.
            inside: whether each pixel lies in the rectangle.
            instead: the values with which the rectangles are filled.
        """
        return jnp.where(per_image(selected) & inside, instead.clip(*self.value_range), images)


def rectangle_mask(images: Array, sides: Array, positions: Array) -> Array:
    """Returns a mask of the pixels inside of a rectangle, (batch, height, width, 1).

    Args:
        images: (batch, height, width, channels).
        sides: the height and the width relative to those of the images, (batch, 2).
        positions: where the rectangle begins, from 0 to 1 of its possible range, (batch, 2).
    """
    # A comparison of coordinates: slices of random sizes would not be static shapes.
    inside = jnp.ones((1, 1, 1, 1), bool)
    for axis in (1, 2):
        size = images.shape[axis]
        length = sides[:, axis - 1] * size
        begin = positions[:, axis - 1] * (size - length)
        shape = [size if a == axis else 1 for a in range(4)]
        pixels = jnp.arange(size, dtype="float32").reshape(shape)
        inside &= (pixels >= per_image(begin)) & (pixels < per_image(begin + length))
    return inside
