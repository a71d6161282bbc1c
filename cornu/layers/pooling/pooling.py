"""Max pooling and average pooling layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from cornu import ops
from cornu.errors import suggest
from cornu.layers.spatial import Spatial
from cornu.names import is_library_class
from cornu.types import Array, DataFormat, Padding, ShapeLike

__all__ = [
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
]


class _Pooling(Spatial):
    pool: ClassVar[Callable[..., Any]]

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, name=name, **kwargs)
        self.built = True
        self.pool_size = self._per_axis(pool_size, "pool_size")
        self.strides = self.pool_size if strides is None else self._per_axis(strides, "strides")
        self.padding = padding.lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(
                f"{self._label_()}: unknown `padding` {padding!r}. "
                f"{suggest(padding, ('valid', 'same'))}"
            )

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, with the strides in use instead of None."""
        config = super().get_config()
        if is_library_class(type(self)) and config["strides"] is None:
            config["strides"] = self.strides
        return config

    def _check_shape_(self, input_shape: ShapeLike) -> None:
        """Checks that the input is at least as large as the window."""
        if self.padding == "valid":
            self._check_extent(input_shape, self.pool_size, f"the window {self.pool_size}")

    def call(self, inputs: Array) -> Array:
        """Returns the pooled inputs."""
        outputs: Array = self.pool(
            inputs,
            pool_size=self.pool_size,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
        )
        return outputs


class _MaxPooling(_Pooling):
    pool = staticmethod(ops.max_pool)

    # As in Keras, max pooling has a default window, and average pooling has none.
    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class _AveragePooling(_Pooling):
    pool = staticmethod(ops.average_pool)


class MaxPooling1D(_MaxPooling):
    """1D max pooling layer, for example over time.

    Args:
        pool_size, strides, ...: as in `MaxPooling2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, new_steps, channels); with
    `data_format="channels_first"` the channels are axis 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.MaxPooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[3.0], [2.0]]]
    """

    rank = 1
    defaults = {"pool_size": 2}


class MaxPooling2D(_MaxPooling):
    """2D max pooling layer: the maximum of each window, for each channel.

    Args:
        pool_size: height and width of the window, or one number for both.
        strides: the stride along each axis; `pool_size` by default.
        padding: `"valid"` (no padding) or `"same"` (padding, so that with a stride of 1 the
            output has the size of the input; the padding does not affect the maximum).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, new_height, new_width, channels); with
    `data_format="channels_first"` the channels are axis 1. The new sizes are
    `(n - pool_size) // strides + 1` for `"valid"` and `(n - 1) // strides + 1` for `"same"`.

    Raises:
        ValueError: the window is larger than the input.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.MaxPooling2D()(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[5.0, 7.0], [13.0, 15.0]]

    Note: `"same"` may pad one more element at the end than at the beginning, while `padding=n` of
    PyTorch is symmetric.
    """

    rank = 2
    defaults = {"pool_size": (2, 2)}


class MaxPooling3D(_MaxPooling):
    """3D max pooling layer, for example over volumes or videos.

    Args:
        pool_size, strides, ...: as in `MaxPooling2D`, with three numbers instead of two.

    Shapes: (batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width,
    channels); with `data_format="channels_first"` the channels are axis 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.MaxPooling3D()(np.zeros((1, 4, 6, 8, 3))).shape
    (1, 2, 3, 4, 3)
    """

    rank = 3
    defaults = {"pool_size": (2, 2, 2)}


class AveragePooling1D(_AveragePooling):
    """1D average pooling layer, for example over time.

    Args:
        pool_size, strides, ...: as in `AveragePooling2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, new_steps, channels); with
    `data_format="channels_first"` the channels are axis 1.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AveragePooling1D(2)(np.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[2.0], [1.0]]]
    """

    rank = 1


class AveragePooling2D(_AveragePooling):
    """2D average pooling layer: the mean of each window, for each channel.

    Args:
        pool_size: height and width of the window, or one number for both.
        strides: the stride along each axis; `pool_size` by default.
        padding: `"valid"` (no padding) or `"same"` (padding, so that with a stride of 1 the
            output has the size of the input; the padding is excluded from the mean).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        **kwargs: passed to `Layer`.

    Shapes: as in `MaxPooling2D`.

    Raises:
        ValueError: the window is larger than the input.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AveragePooling2D(2)(np.arange(16.0).reshape(1, 4, 4, 1))[0, :, :, 0].tolist()
    [[2.5, 4.5], [10.5, 12.5]]

    Note: PyTorch includes the padding in the mean, unless `count_include_pad=False`.
    """

    rank = 2


class AveragePooling3D(_AveragePooling):
    """3D average pooling layer, for example over volumes or videos.

    Args:
        pool_size, strides, ...: as in `AveragePooling2D`, with three numbers instead of two.

    Shapes: as in `MaxPooling3D`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.AveragePooling3D(2)(np.zeros((1, 4, 6, 8, 3))).shape
    (1, 2, 3, 4, 3)
    """

    rank = 3


MaxPool1D = MaxPooling1D
MaxPool2D = MaxPooling2D
MaxPool3D = MaxPooling3D
AvgPool1D = AveragePooling1D
AvgPool2D = AveragePooling2D
AvgPool3D = AveragePooling3D
