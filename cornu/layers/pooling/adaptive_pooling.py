"""Adaptive pooling layers, which pool to a given output size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from cornu import ops
from cornu.layers.spatial import Spatial
from cornu.types import Array, DataFormat

__all__ = [
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
]


class _AdaptivePooling(Spatial):
    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self, output_size: Any, data_format: DataFormat | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        if not isinstance(output_size, (int, list, tuple)):
            raise TypeError(
                f"{self._label_()}: `output_size` must be an integer or {self.rank} integers. "
                f"Received: {output_size!r}"
            )
        self.output_size = self._per_axis(output_size, "output_size")

    def call(self, inputs: Array) -> Array:
        """Returns the pooled inputs."""
        outputs: Array = self.pool(
            inputs, output_size=self.output_size, data_format=self.data_format
        )
        return outputs


class _AdaptiveMaxPooling(_AdaptivePooling):
    pool = staticmethod(ops.adaptive_max_pool)


class _AdaptiveAveragePooling(_AdaptivePooling):
    pool = staticmethod(ops.adaptive_average_pool)


class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """1D adaptive max pooling layer.

    Args:
        output_size, data_format: as in `AdaptiveMaxPooling2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, output_size, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AdaptiveMaxPooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).tolist()
    [[[2.0], [4.0]]]
    """

    rank = 1


class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """2D adaptive max pooling layer: pools images to a given size.

    Each spatial axis of size n is divided into k = `output_size` regions. Region i covers the
    indices from `i * n // k` up to, but not including, `ceil((i + 1) * n / k)`; regions overlap if
    k does not divide n. The output is the maximum of each region, for each channel.

    Args:
        output_size: height and width of the output, or one number for both.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, *output_size, channels); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        TypeError: `output_size` is not an integer or a tuple of integers.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AdaptiveMaxPooling2D((2, 3))(np.ones((1, 7, 8, 4))).shape
    (1, 2, 3, 4)
    """

    rank = 2


class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """3D adaptive max pooling layer.

    Args:
        output_size, data_format: as in `AdaptiveMaxPooling2D`, with three numbers instead of two.

    Shapes: (batch, depth, height, width, channels) -> (batch, *output_size, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AdaptiveMaxPooling3D(2)(np.ones((1, 5, 6, 7, 4))).shape
    (1, 2, 2, 2, 4)
    """

    rank = 3


class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """1D adaptive average pooling layer.

    Args:
        output_size, data_format: as in `AdaptiveMaxPooling2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, output_size, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AdaptiveAveragePooling1D(2)(np.arange(5.0).reshape(1, 5, 1)).tolist()
    [[[1.0], [3.0]]]
    """

    rank = 1


class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """2D adaptive average pooling layer: pools images to a given size.

    The output is the mean of each region, for each channel. The regions are those of
    `AdaptiveMaxPooling2D`.

    Args:
        output_size, data_format: as in `AdaptiveMaxPooling2D`.

    Shapes: (batch, height, width, channels) -> (batch, *output_size, channels); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        TypeError: `output_size` is not an integer or a tuple of integers.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AdaptiveAveragePooling2D((2, 3))(np.ones((1, 7, 8, 4))).shape
    (1, 2, 3, 4)
    """

    rank = 2


class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """3D adaptive average pooling layer.

    Args:
        output_size, data_format: as in `AdaptiveMaxPooling2D`, with three numbers instead of two.

    Shapes: (batch, depth, height, width, channels) -> (batch, *output_size, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AdaptiveAveragePooling3D(2)(np.ones((1, 5, 6, 7, 4))).shape
    (1, 2, 2, 2, 4)
    """

    rank = 3
