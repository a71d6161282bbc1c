"""Contrast stretching and histogram equalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from cornu.layers.arguments import positive_int
from cornu.layers.preprocessing.images.base import ImageLayer
from cornu.layers.preprocessing.images.factors import value_pair
from cornu.types import Array, DataFormat

__all__ = ["AutoContrast", "ContrastLimitedAdaptiveHistogramEqualization", "Equalization"]

_LEVELS = 256


class AutoContrast(ImageLayer):
    """Stretches each channel of each image to the value range, in training and at inference.

    y = (x - min x) / (max x - min x) (high - low) + low; a constant channel is unchanged

    Args:
        value_range: the lowest and the highest pixel value.
        **kwargs: `data_format`, and `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted.

    Raises:
        ValueError: `value_range` is not a pair, or x does not have 3 or 4 axes.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AutoContrast()(np.array([[[50.0], [60.0], [100.0]]])).ravel().tolist()
    [0.0, 51.0, 255.0]

    Fixes: channels are stretched separately with `"channels_first"` as well; Keras 3.15 takes the
    wrong axes.
    """

    keeps_positions = True

    def __init__(self, value_range: Sequence[float] = (0, 255), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.value_range = value_pair(self._label_(), "value_range", value_range)

    def transform(self, images: Array) -> Array:
        """Returns the stretched images."""
        low, high = self.value_range
        # A constant channel would divide by 0: its divisor is 1, and its result is not used.
        least, most = images.min((1, 2), keepdims=True), images.max((1, 2), keepdims=True)
        whole = jnp.where(most > least, most - least, 1)
        stretched = (images - least) * ((high - low) / whole) + low
        return jnp.where(most > least, stretched.clip(low, high), images)


class Equalization(ImageLayer):
    """Equalizes the histogram of each channel of each image in training.

    Each value is mapped to the normalized cumulative histogram.

    Args:
        value_range: the lowest and the highest pixel value.
        bins: the number of bins of the histogram.
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
    >>> layer = cornu.layers.Equalization()
    >>> layer(np.array([[[10.0], [11.0], [12.0]]]), training=True).ravel().tolist()
    [0.0, 128.0, 255.0]

    Fixes: histograms are computed for each image; Keras 3.15 computes one for the batch, so that
    the result for an image depends on the others.
    """

    random = True
    keeps_positions = True

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        bins: int = 256,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = value_pair(self._label_(), "value_range", value_range)
        self.bins = positive_int(self._label_(), "bins", bins)

    def transform(self, images: Array) -> Array:
        """Returns the equalized images."""
        low, high = self.value_range
        x = jnp.moveaxis((images - low) * (255 / (high - low)), -1, 1)
        y = jax.vmap(jax.vmap(self._equalize_channel))(x)
        return jnp.moveaxis(y, 1, -1) * ((high - low) / 255) + low

    def _equalize_channel(self, x: Array) -> Array:
        """Equalizes a channel with values from 0 to 255."""
        position = (x * ((self.bins - 1) / 255)).astype(int).clip(0, self.bins - 1)
        counts = jnp.zeros(self.bins, int).at[position].add(1)
        below = jnp.cumsum(counts)
        # The darkest level maps to 0, so its pixels are excluded from the cumulative histogram.
        first = counts[position.min()]
        rest = below[-1] - first
        table = jnp.round((below - first) * (255 / jnp.where(rest > 0, rest, 1))).clip(0, 255)
        return jnp.where(rest > 0, table[position], x).astype(x.dtype)


class ContrastLimitedAdaptiveHistogramEqualization(ImageLayer):
    """Applies contrast limited adaptive histogram equalization (CLAHE).

    The image is divided into tiles. The histogram of each tile is clipped, and the excess is
    distributed over all bins. The value of a pixel is interpolated between the equalizations of the
    four nearest tiles. The layer runs in training and at inference.

    Args:
        value_range: the lowest and the highest pixel value.
        clip_limit: the limit of a bin as a multiple of the mean of the histogram; 0 for no limit.
        tile_grid_size: the number of tiles, (vertical, horizontal).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.

    Shapes:
        x (batch, height, width, channels) -> (the same); a single image without batch axis is
        accepted. Integer images keep their dtype.

    Raises:
        ValueError: an argument is invalid, or x does not have 3 or 4 axes.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.ContrastLimitedAdaptiveHistogramEqualization()
    >>> layer(cornu.Input((16, 16, 3))).shape
    (None, 16, 16, 3)

    References: Karel Zuiderveld (1994), "Contrast Limited Adaptive Histogram Equalization", in
    Graphics Gems IV.

    Differences: integer results are rounded rather than truncated.
    """

    keeps_integers = True
    keeps_positions = True

    def __init__(
        self,
        value_range: Sequence[float] = (0, 255),
        clip_limit: float = 4.0,
        tile_grid_size: tuple[int, int] = (8, 8),
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.value_range = value_pair(self._label_(), "value_range", value_range)
        self.clip_limit = clip_limit
        if len(tile_grid_size) != 2:
            raise ValueError(
                f"{self._label_()}: tile_grid_size must be a pair (vertical, horizontal). "
                f"Received: {tile_grid_size!r}"
            )
        self.tile_grid_size = tuple(
            positive_int(self._label_(), "tile_grid_size", n) for n in tile_grid_size
        )

    def transform(self, images: Array) -> Array:
        """Returns the equalized images."""
        low, high = self.value_range
        x = (images - low) * (255 / (high - low))
        batch, height, width, channels = x.shape
        tables = self._tables(x)
        level = x.clip(0, 255).astype(int)
        rows, columns = (
            self._tile_weights(size, axis) for axis, size in enumerate((height, width))
        )
        number = jnp.arange(batch)[:, None, None, None]
        channel = jnp.arange(channels)
        y: Any = 0.0
        for row, down in rows:
            for column, across in columns:
                position = row[:, None, None], column[:, None]
                value = tables[number, position[0], position[1], channel, level]
                y += value * down[:, None, None] * across[:, None]
        equalized: Array = y * ((high - low) / 255) + low
        return equalized

    def _tables(self, x: Array) -> Array:
        """Returns the lookup table of each tile, (batch, vertical, horizontal, channels, 256)."""
        (batch, height, width, channels), grid = x.shape, self.tile_grid_size
        tall, wide = -(-height // grid[0]), -(-width // grid[1])
        missing = grid[0] * tall - height, grid[1] * wide - width
        x = jnp.pad(x, ((0, 0), (0, missing[0]), (0, missing[1]), (0, 0)), "symmetric")
        x = x.reshape(batch, grid[0], tall, grid[1], wide, channels).transpose(0, 1, 3, 5, 2, 4)
        level = x.reshape(-1, tall * wide).clip(0, 255).astype(int)
        counts = jax.vmap(lambda tile: jnp.zeros(_LEVELS, int).at[tile].add(1))(level)
        counts = counts.astype("float32")
        if self.clip_limit > 0:
            kept = counts.clip(0, self.clip_limit * tall * wide / _LEVELS)
            counts = kept + (counts - kept).sum(-1, keepdims=True) / _LEVELS
        # Lookup tables of the tiles: their normalized cumulative histograms.
        below = jnp.cumsum(counts, -1)
        least = below.min(-1, keepdims=True)
        rest = tall * wide - least
        table = ((below - least) * 255 / jnp.where(rest == 0, 1, rest)).clip(0, 255)
        return table.reshape(batch, *grid, channels, _LEVELS)

    def _tile_weights(self, size: int, axis: int) -> list[tuple[Any, Any]]:
        """Returns the two nearest tiles of each position along an axis, and their weights."""
        tiles = self.tile_grid_size[axis]
        length = -(-size // tiles)
        # Tables hold for the centers of tiles, half a tile from their edges.
        position = jnp.arange(size) / length - 0.5
        before = jnp.floor(position)
        part = position - before
        first, second = (n.astype(int).clip(0, tiles - 1) for n in (before, before + 1))
        return [(first, 1 - part), (second, part)]
