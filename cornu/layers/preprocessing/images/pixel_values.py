"""Layers that change pixel values: no pixel moves, so that masks and bounding boxes stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.layers.preprocessing.images.base import RandomImageLayer
from cornu.layers.preprocessing.images.factors import value_pair
from cornu.types import Array, DataFormat

__all__ = ["ColorLayer"]


class ColorLayer(RandomImageLayer):
    """Base class of layers that change pixel values within a range.

    Args:
        value_range: the lowest and the highest pixel value.
        seed: an integer seed, for reproducible results.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: `name`, `dtype` and others of `Layer`.
    """

    keeps_positions = True

    def __init__(
        self,
        value_range: Sequence[float],
        seed: int | None,
        data_format: DataFormat | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(seed, data_format, **kwargs)
        self.value_range = value_pair(self._label_(), "value_range", value_range)

    @property
    def extent(self) -> float:
        """The length of the value range."""
        return self.value_range[1] - self.value_range[0]

    def scale_to(self, images: Array, high: float) -> Array:
        """Returns images with values scaled to the range from 0 to `high`.

        Args:
            images: images with values in the value range of the layer.
            high: the new maximum.
        """
        return (images - self.value_range[0]) * (high / self.extent)

    def scale_back(self, images: Array, high: float) -> Array:
        """Returns images with values scaled from the range 0 to `high` to the value range.

        Args:
            images: images with values from 0 to `high`.
            high: their maximum.
        """
        return images * (self.extent / high) + self.value_range[0]
