"""Zero padding and cropping of spatial axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import ops
from cornu.layers.spatial import Spatial, integers
from cornu.types import Array, DataFormat, ShapeLike

__all__ = [
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
]

Edge = tuple[int, int]


class _Edged(Spatial):
    def _edges(self, value: Any, name: str) -> tuple[Edge, ...]:
        """Returns (before, after) for each spatial axis, from integers or pairs of integers."""
        if isinstance(value, Sequence) and self.rank > 1:
            per_axis = value
        else:
            per_axis = [value] * self.rank
        if len(per_axis) != self.rank:
            raise ValueError(
                f"{self._label_()}: `{name}` must be an integer, {self.rank} integers, or "
                f"{self.rank} pairs (before, after). Received: {value!r}"
            )
        pairs = [integers(edge, 2, name, 0, self._label_()) for edge in per_axis]
        return tuple((before, after) for before, after in pairs)


class _ZeroPadding(_Edged):
    def __init__(
        self, padding: Any = 1, data_format: DataFormat | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        edges = self._edges(padding, "padding")
        self.padding = edges if self.rank > 1 else edges[0]
        self._widths = self._expand_to_axes(edges, (0, 0))

    def call(self, inputs: Array) -> Array:
        """Returns the padded inputs."""
        return ops.pad(inputs, self._widths)


class _Cropping(_Edged):
    def __init__(self, cropping: Any, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        edges = self._edges(cropping, "cropping")
        self.cropping = edges if self.rank > 1 else edges[0]
        # `x[a:-0]` would be empty.
        slices = [slice(before, -after or None) for before, after in edges]
        self._slices = self._expand_to_axes(slices, slice(None))
        self._min_sizes = [before + after + 1 for before, after in edges]

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that the output is not empty."""
        self._check_extent(input_shape, self._min_sizes, f"cropping={self.cropping}")

    def call(self, inputs: Array) -> Array:
        """Returns the cropped inputs."""
        return inputs[self._slices]


class ZeroPadding1D(_ZeroPadding):
    """Zero-padding layer for sequences: adds zeros at the beginning and the end.

    Args:
        padding: the number of zeros on both sides, or a pair (before, after).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, steps, channels) -> (batch, before + steps + after, channels); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: `padding` contains a value that is not a nonnegative integer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ZeroPadding1D((0, 2))(np.array([[[1.0], [2.0]]])).tolist()
    [[[1.0], [2.0], [0.0], [0.0]]]
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Zero-padding layer for images: adds rows and columns of zeros at the edges.

    Args:
        padding: the number of zeros on all sides; or (height, width); or
            ((top, bottom), (left, right)).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, top + height + bottom,
    left + width + right, channels); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: `padding` contains a value that is not a nonnegative integer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ZeroPadding2D(((0, 1), (1, 1)))(np.ones((1, 4, 4, 3))).shape
    (1, 5, 6, 3)
    """

    rank = 2
    defaults = {"padding": (1, 1)}


class ZeroPadding3D(_ZeroPadding):
    """Zero-padding layer for volumes: adds zeros at the edges of the three spatial axes.

    Args:
        padding, data_format: as in `ZeroPadding2D`, for three axes.

    Shapes: (batch, depth, height, width, channels) -> the same, with larger spatial axes.

    Raises:
        ValueError: `padding` contains a value that is not a nonnegative integer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ZeroPadding3D(2)(np.ones((1, 1, 2, 2, 3))).shape
    (1, 5, 6, 6, 3)
    """

    rank = 3
    defaults = {"padding": ((1, 1), (1, 1), (1, 1))}


class Cropping1D(_Cropping):
    """Cropping layer for sequences: removes steps at the beginning and the end.

    Args:
        cropping: the number of steps removed on both sides, or a pair (beginning, end).
        **kwargs: passed to `Layer`.

    Shapes: (batch, steps, channels) -> (batch, steps - beginning - end, channels).

    Raises:
        ValueError: the output would be empty.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Cropping1D((0, 1))(np.array([[[1.0], [2.0], [3.0]]])).tolist()
    [[[1.0], [2.0]]]
    """

    rank = 1

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(cropping, "channels_last", **kwargs)


class Cropping2D(_Cropping):
    """Cropping layer for images: removes rows and columns at the edges.

    Args:
        cropping: the number of elements removed on all sides; or (height, width); or
            ((top, bottom), (left, right)).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, height - top - bottom,
    width - left - right, channels); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: the output would be empty.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Cropping2D(((2, 2), (4, 4)))(np.ones((2, 28, 28, 3))).shape
    (2, 24, 20, 3)
    """

    rank = 2
    defaults = {"cropping": ((0, 0), (0, 0))}


class Cropping3D(_Cropping):
    """Cropping layer for volumes: removes elements at the edges of the three spatial axes.

    Args:
        cropping, data_format: as in `Cropping2D`, for three axes.

    Shapes: (batch, depth, height, width, channels) -> the same, with smaller spatial axes.

    Raises:
        ValueError: the output would be empty.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Cropping3D()(np.ones((1, 3, 4, 5, 2))).shape
    (1, 1, 2, 3, 2)
    """

    rank = 3
    defaults = {"cropping": ((1, 1), (1, 1), (1, 1))}
