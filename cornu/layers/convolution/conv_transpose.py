"""Transposed convolution layers: the gradients of convolutions with respect to their inputs."""

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
    padding: Padding
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
        self.output_padding = self._check_output_padding(output_padding)
        self._check_strides_and_dilation()

    def _check_output_padding(self, value: Any) -> tuple[int, ...] | None:
        if value is None:
            return None
        # With stride s, a convolution maps s input sizes to one output size. `output_padding`
        # selects one of these sizes, so that it is less than s.
        sizes = self._per_axis(value, "output_padding", least=0)
        if any(size >= stride for size, stride in zip(sizes, self.strides, strict=True)):
            raise ValueError(
                f"{self._label_()}: `output_padding` must be less than `strides` on every axis. "
                f"Received: output_padding={sizes}, strides={self.strides}"
            )
        return sizes

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` of shape (*kernel_size, filters, channels), and `bias`."""
        channels = self._fix_channels(input_shape)
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
        return self._add_bias_and_activate(outputs)


class Conv1DTranspose(_ConvTranspose):
    """1D transposed convolution layer, also called deconvolution.

    Args:
        filters, kernel_size, ...: as in `Conv2DTranspose`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, new_steps, filters); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: as in `Conv2DTranspose`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv1DTranspose(8, 3, strides=2)(np.zeros((2, 10, 4))).shape
    (2, 21, 8)
    """

    rank = 1


class Conv2DTranspose(_ConvTranspose):
    """2D transposed convolution layer, also called deconvolution.

    This is the gradient of `Conv2D` with respect to its input: the kernel, multiplied by each input
    element, is added to the window of the output that starts at `stride` times the position of the
    element. With `"same"`, the edges are then cropped.

    Args:
        filters: the number of output channels.
        kernel_size: height and width of the window, or one number for both.
        strides: the upsampling factor along each axis.
        padding: `"valid"` (the output has the size `(n - 1) * stride + kernel_size`, or
            `n * stride` if that is larger) or `"same"` (the size is `n * stride`).
        output_padding: the number of elements added at the end of each axis, less than the stride.
            A strided convolution maps several input sizes to one output size; this selects which
            of them to restore. The sizes are then
            `(n - 1) * stride + kernel_size + output_padding`, minus `2 * (kernel_size // 2)` with
            `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        dilation_rate: the spacing between kernel elements.
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on the weights and
            on the output, added to the loss.
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


# Has a signature of its own because Keras orders `data_format` and `output_padding` differently
# here than in 1D and 2D.
class Conv3DTranspose(_ConvTranspose):
    """3D transposed convolution layer, also called deconvolution.

    Args:
        filters, kernel_size, ...: as in `Conv2DTranspose`, with three numbers instead of two.

    Shapes: (batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width,
    filters); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: as in `Conv2DTranspose`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.Conv3DTranspose(2, 3)(np.zeros((1, 2, 2, 2, 3))).shape
    (1, 4, 4, 4, 2)

    Note: as in Keras, `data_format` precedes `output_padding`, unlike in `Conv2DTranspose`.
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
