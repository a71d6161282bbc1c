"""Transposed convolutions: the way back from a convolution's output shape to its input shape."""

from __future__ import annotations

from typing import Any

import jax

from cornu import ops
from cornu.layers.arguments import positive_int
from cornu.layers.convolution.conv import Convolving
from cornu.parts import constraints, initializers, regularizers
from cornu.types import ShapeLike

__all__ = [
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Convolution1DTranspose",
    "Convolution2DTranspose",
    "Convolution3DTranspose",
]


class _ConvTranspose(Convolving):
    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
        self.output_padding = self._fitting_output_padding(output_padding)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self._not_strided_and_dilated()

    def _fitting_output_padding(self, value: Any) -> tuple[int, ...] | None:
        if value is None:
            return None
        added = self._per_axis(value, "output_padding", least=0)
        if any(more >= stride for more, stride in zip(added, self.strides, strict=True)):
            raise ValueError(
                f"{self._label()}: `output_padding` must be less than `strides` on every axis. "
                f"Received: output_padding={added}, strides={self.strides}"
            )
        return added

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` of shape (*kernel_size, filters, channels), and `bias`."""
        channels = self._known_channels(input_shape)
        self.kernel = self.add_weight(
            (*self.kernel_size, self.filters, channels),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self._build_bias(self.filters)

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns `activation(conv_transpose(inputs, kernel) + bias)`."""
        outputs = ops.conv_transpose(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            output_padding=self.output_padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finish(outputs)


class Conv1DTranspose(_ConvTranspose):
    """Transposed convolution over one axis.

    Args:
        filters, kernel_size, ...: as in `Conv2DTranspose`, with one number.

    Shapes: (batch, steps, channels) -> (batch, new_steps, filters); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: see `Conv2DTranspose`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv1DTranspose(8, 3, strides=2)(np.zeros((2, 10, 4))).shape
    (2, 21, 8)
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """Transposed convolution over two axes: the gradient of `Conv2D` with respect to its input.

    Each input element adds the kernel, times itself, to the window of the output that begins at
    `stride` times its place; `"same"` then cuts the edges off.

    Args:
        filters: number of channels of the output.
        kernel_size: height and width of the window, or one number for both.
        strides: by how much the output is larger than the input, along each axis.
        padding: `"valid"` (the output is `(n - 1) * stride + kernel_size`, or `n * stride` if
            that is more) or `"same"` (it is `n * stride`).
        output_padding: how much is added at the end of each axis of the output, less than the
            stride: for the sizes that several inputs of a strided convolution share. The sizes
            are then `(n - 1) * stride + kernel_size - 2 * (kernel_size // 2 if same)
            + output_padding`.
        data_format: `"channels_last"` or `"channels_first"`; by default the process-wide one.
        dilation_rate: distance between the elements that the window writes to.
        activation: a name or function.
        use_bias: whether a number per filter is added.
        kernel_initializer, bias_initializer: what the weights start as.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions of the weights and
            of the output that are added to the loss.
        kernel_constraint, bias_constraint: functions applied to the weights after each step.
        **kwargs: the arguments of every layer.

    Shapes: (batch, height, width, channels) -> (batch, new_height, new_width, filters); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: strides and dilation are both greater than 1; `output_padding` is not less
            than the stride.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv2DTranspose(8, 3, strides=2, padding="same")(np.zeros((2, 5, 5, 4))).shape
    (2, 10, 10, 8)

    References: Zeiler et al., 2010, "Deconvolutional Networks"; Dumoulin and Visin, 2016, "A Guide
    to Convolution Arithmetic for Deep Learning".
    """

    rank = 2
    defaults = {"strides": (1, 1), "dilation_rate": (1, 1)}


class Conv3DTranspose(_ConvTranspose):
    """Transposed convolution over three axes.

    Args:
        filters, kernel_size, ...: as in `Conv2DTranspose`, with three numbers or one for all.

    Shapes: (batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width,
    filters); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: see `Conv2DTranspose`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv3DTranspose(2, 3)(np.zeros((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 2)

    Differences: `data_format` comes before `output_padding` here, as in Keras.
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = (1, 1, 1),
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
            filters,
            kernel_size,
            strides,
            padding,
            output_padding,
            data_format,
            dilation_rate,
            activation,
            use_bias,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            **kwargs,
        )


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
