"""Transposed convolutions: the gradients of convolutions with respect to their inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from cornu import ops
from cornu.layers.base import keyword_arguments
from cornu.layers.convolution.conv import Convolving
from cornu.types import (
    ActivationLike,
    ConstraintLike,
    DataFormat,
    InitializerLike,
    Padding,
    RegularizerLike,
    ShapeLike,
)

__all__ = [
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "Convolution1DTranspose",
    "Convolution2DTranspose",
    "Convolution3DTranspose",
]


class _ConvTranspose(Convolving):
    filters: int

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "valid",
        output_padding: int | Sequence[int] | None = None,
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self.output_padding = self._fitting_output_padding(output_padding)
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
        self.kernel = self.create_weight("kernel", (*self.kernel_size, self.filters, channels))
        self.bias = self.create_bias((self.filters,))

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
        filters: the number of output channels.
        kernel_size: height and width of the window, or one number for both.
        strides: by how much the output is larger than the input, along each axis.
        padding: `"valid"` (the output is `(n - 1) * stride + kernel_size`, or `n * stride` if
            that is more) or `"same"` (it is `n * stride`).
        output_padding: how much is added at the end of each axis of the output, less than the
            stride: for the sizes that several inputs of a strided convolution share. The sizes
            are then `(n - 1) * stride + kernel_size - 2 * (kernel_size // 2 if same)
            + output_padding`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        dilation_rate: the spacing between kernel elements.
        activation: a name or function.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initial values of the weights.
        kernel_regularizer, bias_regularizer, activity_regularizer: functions of the weights and
            of the output that are added to the loss.
        kernel_constraint, bias_constraint: projections of the weights, applied after each training
            step.
        **kwargs: passed to `Layer`.

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
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = (1, 1, 1),
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        output_padding: int | Sequence[int] | None = None,
        dilation_rate: int | Sequence[int] = (1, 1, 1),
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**keyword_arguments(locals()))


Convolution1DTranspose = Conv1DTranspose
Convolution2DTranspose = Conv2DTranspose
Convolution3DTranspose = Conv3DTranspose
