"""Global pooling layers, which reduce all spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from cornu import ops
from cornu.layers.spatial import Spatial
from cornu.ops.arguments import to_float
from cornu.ops.precision import widen
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
        self.built = True

    def call(self, inputs: Array) -> Array:
        """Returns one value per channel."""
        outputs: Array = self.reduce(inputs, axis=self.spatial_axes, keepdims=self.keepdims)
        return outputs


class _GlobalMaxPooling(_GlobalPooling):
    reduce = staticmethod(ops.max)


class _GlobalAveragePooling(_GlobalPooling):
    reduce = staticmethod(ops.mean)


class GlobalMaxPooling1D(_GlobalMaxPooling):
    """1D global max pooling layer: the maximum over all time steps, for each channel.

    Args:
        data_format, keepdims: as in `GlobalMaxPooling2D`.

    Shapes: (batch, steps, channels) -> (batch, channels); with `keepdims` (batch, 1, channels).

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.GlobalMaxPooling1D()(np.array([[[1.0], [3.0]]])).tolist()
    [[3.0]]

    Note: as in Keras, masks are ignored, unlike in `GlobalAveragePooling1D`.
    """

    rank = 1


class GlobalMaxPooling2D(_GlobalMaxPooling):
    """2D global max pooling layer: the maximum over both spatial axes, for each channel.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        keepdims: whether to keep the spatial axes, with size 1.
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
    """3D global max pooling layer: the maximum over all spatial axes, for each channel.

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
    """1D global average pooling layer: the mean over all time steps, for each channel.

    Masked time steps are excluded from the mean.

    Args:
        data_format, keepdims: as in `GlobalAveragePooling2D`.

    Shapes: (batch, steps, channels) -> (batch, channels), with `keepdims` (batch, 1, channels);
    mask (batch, steps). The output has no mask.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> x, mask = np.array([[[1.0], [3.0], [9.0]]]), np.array([[True, True, False]])
    >>> cornu.layers.GlobalAveragePooling1D()(x, mask=mask).tolist()
    [[2.0]]

    Note: as in Keras, the mean of a sequence is NaN if all its steps are masked.
    """

    rank = 1

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """Returns the mean over the unmasked time steps."""
        if mask is None:
            return super().call(inputs)
        mask = ops.cast(ops.expand_dims(mask, self.channel_axis), "bool")
        x = to_float(inputs)
        # In float32: both sums may exceed the range of float16.
        kept = ops.where(mask, widen(x), 0)
        total = ops.sum(kept, self.spatial_axes, keepdims=self.keepdims)
        count = ops.sum(ops.cast(mask, kept.dtype), self.spatial_axes, keepdims=self.keepdims)
        return (total / count).astype(x.dtype)

    def compute_mask(self, inputs: Array, mask: Array | None = None) -> None:
        """Returns None, because the output has no time axis."""
        return None


class GlobalAveragePooling2D(_GlobalAveragePooling):
    """2D global average pooling layer: the mean over both spatial axes, for each channel.

    Args:
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        keepdims: whether to keep the spatial axes, with size 1.
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
    """3D global average pooling layer: the mean over all spatial axes, for each channel.

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
