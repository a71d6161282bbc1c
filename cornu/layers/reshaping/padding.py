"""Padding with zeros and cropping: adds or removes elements at the edges of spatial axes."""

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
        """Returns (before, behind) for each spatial axis, from numbers or pairs of them."""
        if isinstance(value, Sequence) and self.rank > 1:
            per_axis = value
        else:
            per_axis = [value] * self.rank
        if len(per_axis) != self.rank:
            raise ValueError(
                f"{self._label()}: `{name}` must be an integer, {self.rank} integers, or "
                f"{self.rank} pairs (before, behind). Received: {value!r}"
            )
        pairs = [integers(edge, 2, name, 0, self._label()) for edge in per_axis]
        return tuple((before, behind) for before, behind in pairs)


class _ZeroPadding(_Edged):
    def __init__(
        self, padding: Any = 1, data_format: DataFormat | None = None, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        edges = self._edges(padding, "padding")
        self.padding = edges if self.rank > 1 else edges[0]
        self._widths = self._at_spatial_axes(edges, (0, 0))

    def call(self, inputs: Array) -> Array:
        """Returns the inputs with zeros around."""
        return ops.pad(inputs, self._widths)


class _Cropping(_Edged):
    def __init__(self, cropping: Any, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        edges = self._edges(cropping, "cropping")
        self.cropping = edges if self.rank > 1 else edges[0]
        slices = [slice(before, -behind or None) for before, behind in edges]
        self._kept = self._at_spatial_axes(slices, slice(None))
        self._needed = [before + behind + 1 for before, behind in edges]

    def build(self, input_shape: ShapeLike) -> None:
        """Checks that something is left."""
        self._check_extent(input_shape, self._needed, f"what is cropped, {self.cropping},")

    def call(self, inputs: Array) -> Array:
        """Returns the inputs without their edges."""
        return inputs[self._kept]


class ZeroPadding1D(_ZeroPadding):
    """Puts zeros before and behind the one spatial axis.

    Args:
        padding: how many on both sides, or (before, behind).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, steps, channels) -> (batch, before + steps + behind, channels); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: `padding` is not made of integers from 0 on.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ZeroPadding1D((0, 2))(np.array([[[1.0], [2.0]]])).tolist()
    [[[1.0], [2.0], [0.0], [0.0]]]
    """

    rank = 1


class ZeroPadding2D(_ZeroPadding):
    """Puts zeros around the two spatial axes.

    Args:
        padding: how many on all sides; or a number for height and one for width; or
            ((top, bottom), (left, right)).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, top + height + bottom,
    left + width + right, channels); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: `padding` is not made of integers from 0 on.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ZeroPadding2D(((0, 1), (1, 1)))(np.ones((1, 4, 4, 3))).shape
    (1, 5, 6, 3)
    """

    rank = 2
    defaults = {"padding": (1, 1)}


class ZeroPadding3D(_ZeroPadding):
    """Puts zeros around the three spatial axes.

    Args:
        padding, data_format: as in `ZeroPadding2D`, for three axes.

    Shapes: (batch, depth, height, width, channels) -> the same with longer spatial axes.

    Raises:
        ValueError: `padding` is not made of integers from 0 on.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.ZeroPadding3D(2)(np.ones((1, 1, 2, 2, 3))).shape
    (1, 5, 6, 6, 3)
    """

    rank = 3
    defaults = {"padding": ((1, 1), (1, 1), (1, 1))}


class Cropping1D(_Cropping):
    """Takes steps off the beginning and the end of a sequence.

    Args:
        cropping: how many on both sides, or (beginning, end).
        **kwargs: passed to `Layer`.

    Shapes: (batch, steps, channels) -> (batch, steps - beginning - end, channels).

    Raises:
        ValueError: nothing would be left.

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
    """Takes elements off the edges of the two spatial axes.

    Args:
        cropping: how many on all sides; or a number for height and one for width; or
            ((top, bottom), (left, right)).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, height - top - bottom,
    width - left - right, channels); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: nothing would be left.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Cropping2D(((2, 2), (4, 4)))(np.ones((2, 28, 28, 3))).shape
    (2, 24, 20, 3)
    """

    rank = 2
    defaults = {"cropping": ((0, 0), (0, 0))}


class Cropping3D(_Cropping):
    """Takes elements off the edges of the three spatial axes.

    Args:
        cropping, data_format: as in `Cropping2D`, for three axes.

    Shapes: (batch, depth, height, width, channels) -> the same with shorter spatial axes.

    Raises:
        ValueError: nothing would be left.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Cropping3D()(np.ones((1, 3, 4, 5, 2))).shape
    (1, 1, 2, 3, 2)
    """

    rank = 3
    defaults = {"cropping": ((1, 1), (1, 1), (1, 1))}
