"""Convolutions: a kernel slides over the spatial axes and mixes the channels below it."""

from __future__ import annotations

from typing import Any, ClassVar

import jax

from cornu import ops
from cornu.errors import suggest
from cornu.layers.arguments import positive_int
from cornu.layers.spatial import Spatial
from cornu.parts import activations, constraints, initializers, regularizers
from cornu.types import ShapeLike

__all__ = [
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
]


class Convolving(Spatial):
    """The base of layers that slide learned kernels: the window, the bias and the activation.

    Subclasses make the kernels and say what is done with them.
    """

    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    def __init__(
        self,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(data_format, **kwargs)
        self.kernel_size = self._per_axis(kernel_size, "kernel_size")
        self.strides = self._per_axis(strides, "strides")
        self.dilation_rate = self._per_axis(dilation_rate, "dilation_rate")
        self.padding = self._known_padding(padding)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)

    def _known_padding(self, padding: Any) -> str:
        name = padding.lower() if isinstance(padding, str) else padding
        if name not in self.paddings:
            raise ValueError(
                f"{self._label()}: unknown `padding` {padding!r}. {suggest(name, self.paddings)}"
            )
        return name

    def _not_strided_and_dilated(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self._label()}: `strides` and `dilation_rate` cannot both be greater than 1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )

    def _build_bias(self, channels: int) -> None:
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                (channels,),
                self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _finish(self, outputs: jax.Array) -> jax.Array:
        """Adds the bias and applies the activation."""
        if self.bias is not None:
            outputs = outputs + self._along_channels(self.bias)
        return self.activation(outputs)


class _Conv(Convolving):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = 1,
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size,
            strides,
            padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            bias_initializer,
            bias_regularizer,
            bias_constraint,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.filters = positive_int(self._label(), "filters", filters)
        self.groups = positive_int(self._label(), "groups", groups)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self._not_strided_and_dilated()
        if filters % groups:
            raise ValueError(
                f"{self._label()}: `filters` must be divisible by `groups`. "
                f"Received: filters={filters}, groups={groups}"
            )

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` of shape (*kernel_size, channels / groups, filters), and `bias`."""
        channels = self._known_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self._label()}: the channels of the input must be divisible by `groups`. "
                f"Received: groups={self.groups} and {channels} channels, input of shape "
                f"{tuple(input_shape)}\nChoose groups that divide channels and filters."
            )
        self.kernel = self.add_weight(
            (*self.kernel_size, channels // self.groups, self.filters),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._build_bias(self.filters)

    def convolution_op(self, inputs: jax.Array, kernel: Any) -> jax.Array:
        """Convolves; a subclass may transform the kernel first."""
        return ops.conv(
            inputs,
            kernel,
            strides=self.strides,
            padding="same" if self.padding == "same" else "valid",
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns `activation(conv(inputs, kernel) + bias)`."""
        return self._finish(self.convolution_op(inputs, self.kernel))


class Conv1D(_Conv):
    """Convolution over one axis, such as time.

    Formula: `y[b, t, f] = activation(sum_{i, c} kernel[i, c, f] * x[b, t + i, c] + bias[f])`.

    Args:
        padding: as in `Conv2D`; also `"causal"`: zeros are put before the first step, so that
            no output depends on a later input.
        filters, kernel_size, ...: all others as in `Conv2D`, with one number.

    Shapes: (batch, steps, channels) -> (batch, new_steps, filters), or with
    `data_format="channels_first"` (batch, channels, steps) -> (batch, filters, new_steps).

    Raises:
        ValueError: see `Conv2D`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv1D(8, 3, padding="causal")(np.zeros((2, 10, 4))).shape
    (2, 10, 8)

    References: van den Oord et al., 2016, "WaveNet: A Generative Model for Raw Audio" (causal
    convolutions).
    """

    rank = 1
    paddings = ("valid", "same", "causal")

    def convolution_op(self, inputs: jax.Array, kernel: Any) -> jax.Array:
        """Convolves; a subclass may transform the kernel first."""
        if self.padding == "causal":
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            inputs = ops.pad(inputs, self._at_spatial_axes([(before, 0)], (0, 0)))
        return super().convolution_op(inputs, kernel)


class Conv2D(_Conv):
    """Convolution over two axes, such as height and width.

    Formula: `y[b, h, w, f] = activation(sum_{i, j, c} kernel[i, j, c, f] * x[b, h + i, w + j, c]
    + bias[f])`, with strides and dilation `x[b, h * stride + i * dilation, ...]`.

    Args:
        filters: number of channels of the output.
        kernel_size: height and width of the window, or one number for both.
        strides: step of the window along each axis.
        padding: `"valid"` (the window stays inside) or `"same"` (zeros around, so that with a
            stride of 1 the sizes remain).
        data_format: `"channels_last"` or `"channels_first"`; by default the process-wide one.
        dilation_rate: distance between the elements that the window looks at.
        groups: the channels are divided into so many groups, each with its own
            `filters / groups` filters.
        activation: a name or function.
        use_bias: whether a number per filter is added.
        kernel_initializer, bias_initializer: what the weights start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions of the weights and
            of the output that are added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        **kwargs: the arguments of every layer.

    Shapes: (batch, height, width, channels) -> (batch, new_height, new_width, filters), or with
    `data_format="channels_first"` (batch, channels, height, width) -> (batch, filters,
    new_height, new_width).

    Raises:
        ValueError: `groups` does not divide `filters` or the channels; strides and dilation are
            both greater than 1; the window is larger than the input.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv2D(8, 3, activation="relu")(np.zeros((2, 10, 10, 4))).shape
    (2, 8, 8, 8)

    Differences: as in Keras and PyTorch the kernel is not flipped (a cross-correlation).
    `padding="same"` with a stride puts the odd zero behind, PyTorch's `padding=k // 2` is
    symmetric: weights carried over need a `ZeroPadding2D` and `"valid"`.
    """

    rank = 2
    defaults = {"strides": (1, 1), "dilation_rate": (1, 1)}


class Conv3D(_Conv):
    """Convolution over three axes, such as those of a volume, or time, height and width.

    Args:
        filters, kernel_size, ...: as in `Conv2D`, with three numbers or one for all.

    Shapes: (batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width,
    filters); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: see `Conv2D`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv3D(2, (1, 3, 3))(np.zeros((1, 4, 5, 5, 3))).shape
    (1, 4, 3, 3, 2)
    """

    rank = 3
    defaults = {"strides": (1, 1, 1), "dilation_rate": (1, 1, 1)}


Convolution1D = Conv1D
Convolution2D = Conv2D
Convolution3D = Conv3D
