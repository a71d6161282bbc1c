"""Separable convolution layers: a depthwise convolution followed by a pointwise one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from cornu import ops
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

__all__ = ["SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D"]


class _SeparableConv(Convolving):
    padding: Padding
    filters: int
    depth_multiplier: int

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        depth_multiplier: int = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        pointwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike | None = None,
        pointwise_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        depthwise_constraint: ConstraintLike | None = None,
        pointwise_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `depthwise_kernel`, `pointwise_kernel` and `bias`."""
        channels = self._fix_channels(input_shape)
        self.depthwise_kernel = self.create_weight(
            "depthwise_kernel",
            (*self.kernel_size, channels, self.depth_multiplier),
            prefix="depthwise",
        )
        self.pointwise_kernel = self.create_weight(
            "pointwise_kernel",
            (*(1,) * self.rank, channels * self.depth_multiplier, self.filters),
            prefix="pointwise",
        )
        self.bias = self.create_bias((self.filters,))

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns `activation(separable_conv(inputs, both kernels) + bias)`."""
        outputs = ops.separable_conv(
            inputs,
            self.depthwise_kernel,
            self.pointwise_kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._add_bias_and_activate(outputs)


class SeparableConv1D(_SeparableConv):
    """1D separable convolution layer.

    Args:
        filters, kernel_size, ...: as in `SeparableConv2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, new_steps, filters); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: as in `SeparableConv2D`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.SeparableConv1D(8, 3)(np.zeros((2, 10, 4))).shape
    (2, 8, 8)
    """

    rank = 1


class SeparableConv2D(_SeparableConv):
    """2D separable convolution layer: a depthwise and then a pointwise convolution.

    It is equivalent to a `DepthwiseConv2D` without bias followed by a `Conv2D` with kernel size 1.

    Formula: `activation(conv(depthwise_conv(x, depthwise_kernel), pointwise_kernel) + bias)`.

    Args:
        filters: the number of output channels.
        kernel_size: height and width of the depthwise window, or one number for both.
        strides: the stride along each axis.
        padding: `"valid"` or `"same"`.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        dilation_rate: the spacing between kernel elements.
        depth_multiplier: the number of depthwise output channels per input channel.
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add a bias.
        depthwise_initializer, pointwise_initializer, bias_initializer: initializers of the
            weights.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer:
            penalties on the weights and on the output, added to the loss.
        depthwise_constraint, pointwise_constraint, bias_constraint: projections of the
            weights, applied after each training step.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, new_height, new_width, filters); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: the window is larger than the input.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.SeparableConv2D(8, 3)(np.zeros((2, 10, 10, 4))).shape
    (2, 8, 8, 8)

    References: Chollet, 2017, "Xception: Deep Learning with Depthwise Separable Convolutions".
    """

    rank = 2
    defaults = {"strides": (1, 1), "dilation_rate": (1, 1)}


SeparableConvolution1D = SeparableConv1D
SeparableConvolution2D = SeparableConv2D
