"""Upsampling layers, by repetition or interpolation."""

from __future__ import annotations

import numbers
from typing import Any

from cornu import ops
from cornu.errors import suggest
from cornu.layers.spatial import Spatial
from cornu.types import Array, DataFormat

__all__ = ["UpSampling1D", "UpSampling2D", "UpSampling3D"]

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class _UpSampling(Spatial):
    def __init__(self, size: Any, data_format: DataFormat | None = None, **kwargs: Any) -> None:
        super().__init__(data_format, **kwargs)
        self._factors = self._per_axis(size, "size")
        self.size = self._factors if self.rank > 1 else size

    def call(self, inputs: Array) -> Array:
        """Returns the inputs, with each element repeated."""
        for axis, factor in zip(self.spatial_axes, self._factors, strict=True):
            inputs = ops.repeat(inputs, factor, axis=axis)
        return inputs


class UpSampling1D(_UpSampling):
    """Upsampling layer for sequences: repeats each time step.

    Args:
        size: the upsampling factor.
        **kwargs: passed to `Layer`.

    Shapes: (batch, steps, channels) -> (batch, steps * size, channels).

    Raises:
        TypeError: `size` is not an integer.
        ValueError: `size` is not positive.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.UpSampling1D(2)(np.array([[[1.0], [2.0]]])).tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        if not isinstance(size, numbers.Integral) or isinstance(size, bool):
            raise TypeError(f"UpSampling1D: `size` must be an integer. Received: {size!r}")
        super().__init__(size, "channels_last", **kwargs)


class UpSampling2D(_UpSampling):
    """Upsampling layer for images: enlarges them by integer factors.

    Args:
        size: the upsampling factors for height and width, or one number for both.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        interpolation: `"nearest"` (each pixel is repeated), `"bilinear"`, `"bicubic"`,
            `"lanczos3"` or `"lanczos5"`.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, height * size, width * size, channels);
    with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: `size` contains a value that is not a positive integer, or the interpolation is
            unknown.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.UpSampling2D((1, 2))(np.ones((1, 4, 4, 3))).shape
    (1, 4, 8, 3)

    Note: interpolation uses half-pixel centers, as `align_corners=False` in PyTorch.
    """

    rank = 2

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: DataFormat | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(size, data_format, **kwargs)
        self.interpolation = interpolation.lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(
                f"{self._label_()}: unknown `interpolation` {interpolation!r}. "
                f"{suggest(interpolation, _INTERPOLATIONS)}"
            )

    def call(self, inputs: Array) -> Array:
        """Returns the enlarged images."""
        if self.interpolation == "nearest":
            return super().call(inputs)
        sizes = zip(self.spatial_axes, self._factors, strict=True)
        return ops.image.resize(
            inputs,
            tuple(inputs.shape[axis] * factor for axis, factor in sizes),
            interpolation=self.interpolation,
            data_format=self.data_format,
        )


class UpSampling3D(_UpSampling):
    """Upsampling layer for volumes: repeats each element along the three spatial axes.

    Args:
        size: the upsampling factor for each axis, or one number for all.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, depth, height, width, channels) -> the same, with spatial axes `size` times
    as large.

    Raises:
        ValueError: `size` contains a value that is not a positive integer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.UpSampling3D((2, 2, 1))(np.ones((1, 1, 2, 3, 4))).shape
    (1, 2, 4, 3, 4)
    """

    rank = 3
    defaults = {"size": (2, 2, 2)}
