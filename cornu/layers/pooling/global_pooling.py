"""Global pooling: the largest or the mean value along all spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from cornu import ops
from cornu.layers.spatial import Spatial
from cornu.types import Array, DataFormat

__all__ = [
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
]


class _GlobalPooling(Spatial):
    reduce: ClassVar[Callable[..., Any]]

    def __init__(
        self, data_format: DataFormat | None = None, keepdims: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.keepdims = keepdims

    def call(self, inputs: Array) -> Array:
        """Returns one value for each channel."""
        return self.reduce(inputs, axis=self.spatial_axes, keepdims=self.keepdims)


class _GlobalMaxPooling(_GlobalPooling):
    reduce = staticmethod(ops.max)


class _GlobalAveragePooling(_GlobalPooling):
    reduce = staticmethod(ops.mean)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """The largest value along the one spatial axis, per channel.

    Args:
        data_format, keepdims: as in `GlobalMaxPooling2D`.

    Shapes: (batch, steps, channels) -> (batch, channels); with `keepdims` (batch, 1, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.GlobalMaxPooling1D()(np.array([[[1.0], [3.0]]])).tolist()
    [[3.0]]

    Differences: as in Keras, masks are not looked at, unlike in `GlobalAveragePooling1D`.
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """The largest value along both spatial axes, per channel.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        keepdims: whether the spatial axes stay, with size 1.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, channels), with `keepdims`
    (batch, 1, 1, channels); with `data_format="channels_first"` the channels are axis 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.GlobalMaxPooling2D(keepdims=True)(np.ones((2, 4, 4, 3))).shape
    (2, 1, 1, 3)
    """

    rank = 2


class GlobalMaxPooling3D(_GlobalMaxPooling):
    """The largest value along all three spatial axes, per channel.

    Args:
        data_format, keepdims: as in `GlobalMaxPooling2D`.

    Shapes: (batch, depth, height, width, channels) -> (batch, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.GlobalMaxPooling3D()(np.ones((2, 4, 4, 4, 3))).shape
    (2, 3)
    """

    rank = 3


class GlobalAveragePooling1D(_GlobalAveragePooling):
    """The mean along the one spatial axis, per channel; steps that are masked do not count.

    Args:
        data_format, keepdims: as in `GlobalAveragePooling2D`.

    Shapes: (batch, steps, channels) -> (batch, channels), with `keepdims` (batch, 1, channels);
    the mask is (batch, steps). The output has no mask.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, mask = np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]])
    >>> cornu.layers.GlobalAveragePooling1D()(x, mask=mask).tolist()
    [[2.0]]

    Differences: the mean of a sequence without any step is NaN, as in Keras.
    """

    rank = 1

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """Returns the mean of the steps that are not masked."""
        if mask is None:
            return super().call(inputs)
        mask = ops.cast(ops.expand_dims(mask, self.channel_axis), "bool")
        total = ops.sum(ops.where(mask, inputs, 0), self.spatial_axes, keepdims=self.keepdims)
        count = ops.sum(ops.cast(mask, inputs.dtype), self.spatial_axes, keepdims=self.keepdims)
        return total / count

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> None:
        """Returns None: there are no steps left that could be masked."""
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """The mean along both spatial axes, per channel.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        keepdims: whether the spatial axes stay, with size 1.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, channels), with `keepdims`
    (batch, 1, 1, channels); with `data_format="channels_first"` the channels are axis 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.GlobalAveragePooling2D()(np.ones((2, 4, 4, 3))).shape
    (2, 3)

    References: Lin, Chen and Yan, 2013, "Network in Network".
    """

    rank = 2


class GlobalAveragePooling3D(_GlobalAveragePooling):
    """The mean along all three spatial axes, per channel.

    Args:
        data_format, keepdims: as in `GlobalAveragePooling2D`.

    Shapes: (batch, depth, height, width, channels) -> (batch, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.GlobalAveragePooling3D()(np.ones((2, 4, 4, 4, 3))).shape
    (2, 3)
    """

    rank = 3


GlobalMaxPool1D = GlobalMaxPooling1D
GlobalMaxPool2D = GlobalMaxPooling2D
GlobalMaxPool3D = GlobalMaxPooling3D
GlobalAvgPool1D = GlobalAveragePooling1D
GlobalAvgPool2D = GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
