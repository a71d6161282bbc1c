"""Images whose values are spread over their range."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu.layers.arguments import positive_int
from cornu.layers.preprocess.image_base import ImageLayer, pair

__all__ = ["AutoContrast", "Equalization"]


class AutoContrast(ImageLayer):
    """Stretches each channel of each image over the whole range, in training and otherwise.

    y = (x - min x) / (max x - min x) (high - low) + low; a channel of one value stays

    Args:
        value_range: the lowest and the highest value of images.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: the range is no pair, or x has another number of axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AutoContrast()(np.array([[[50.0], [60.0], [100.0]]])).ravel().tolist()
    [0.0, 51.0, 255.0]

    Differences: with channels first, each channel is stretched by itself here, too.
    """

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = pair(self._who(), "value_range", value_range)

    def transform(self, images: Any) -> Any:
        """Returns the stretched images."""
        low, high = self.value_range
        least, most = images.min((1, 2), keepdims=True), images.max((1, 2), keepdims=True)
        whole = jnp.where(most > least, most - least, 1)
        stretched = (images - least) * ((high - low) / whole) + low
        return jnp.where(most > least, stretched.clip(low, high), images)


class Equalization(ImageLayer):
    """Spreads the values of each channel of each image, so that all are equally often.

    A value becomes the part of the pixels that are not above it, in a histogram.

    Args:
        value_range: the lowest and the highest value of images.
        bins: of the histogram.
        data_format: `"channels_last"` or `"channels_first"`; the process-wide one by default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); the batch may be missing.

    Raises:
        ValueError: an argument is not right, or x has another number of axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> layer = cornu.layers.Equalization()
    >>> layer(np.array([[[10.0], [11.0], [12.0]]]), training=True).ravel().tolist()
    [0.0, 128.0, 255.0]

    Differences: each image has a histogram of its own; Keras 3.15 makes one of all images of a
    batch, so that an image's result depends on the others.
    """

    random = True

    def __init__(
        self,
        value_range: Any = (0, 255),
        bins: int = 256,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = pair(self._who(), "value_range", value_range)
        self.bins = positive_int(self._who(), "bins", bins)

    def transform(self, images: Any) -> Any:
        """Returns the equalized images."""
        low, high = self.value_range
        x = jnp.moveaxis((images - low) * (255 / (high - low)), -1, 1)
        y = jax.vmap(jax.vmap(self._equal))(x)
        return jnp.moveaxis(y, 1, -1) * ((high - low) / 255) + low

    def _equal(self, x: Any) -> Any:
        """Returns one channel of values from 0 to 255."""
        place = (x * ((self.bins - 1) / 255)).astype(int).clip(0, self.bins - 1)
        counts = jnp.zeros(self.bins, int).at[place].add(1)
        below = jnp.cumsum(counts)
        first = counts[place.min()]
        rest = below[-1] - first
        table = jnp.round((below - first) * (255 / jnp.where(rest > 0, rest, 1))).clip(0, 255)
        return jnp.where(rest > 0, table[place], x).astype(x.dtype)
