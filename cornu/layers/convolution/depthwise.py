"""Depthwise convolution layers: each channel is convolved separately."""

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

__all__ = ["DepthwiseConv1D", "DepthwiseConv2D"]


class _DepthwiseConv(Convolving):
    padding: Padding
    depth_multiplier: int

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "valid",
        depth_multiplier: int = 1,
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        depthwise_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        depthwise_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        depthwise_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` of shape (*kernel_size, channels, depth_multiplier), and `bias`."""
        channels = self._fix_channels(input_shape)
        # Keras names the weight `kernel`, and its arguments `depthwise_*`.
        self.kernel = self.create_weight(
            "kernel", (*self.kernel_size, channels, self.depth_multiplier), prefix="depthwise"
        )
        self.bias = self.create_bias((channels * self.depth_multiplier,))

    def call(self, inputs: jax.Array) -> jax.Array:
        """Returns `activation(depthwise_conv(inputs, kernel) + bias)`."""
        outputs = ops.depthwise_conv(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._add_bias_and_activate(outputs)


class DepthwiseConv1D(_DepthwiseConv):
    """1D depthwise convolution layer.

    Args:
        kernel_size, strides, ...: as in `DepthwiseConv2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, new_steps, channels * depth_multiplier); with
    `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: as in `DepthwiseConv2D`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.DepthwiseConv1D(3, depth_multiplier=2)(np.zeros((2, 10, 4))).shape
    (2, 8, 8)
    """

    rank = 1


class DepthwiseConv2D(_DepthwiseConv):
    """2D depthwise convolution layer: each channel is convolved separately.

    Formula: `y[b, h, w, c * m + k] = activation(sum_{i, j} kernel[i, j, c, k] *
    x[b, h + i, w + j, c] + bias[c * m + k])` with the depth multiplier m.

    Args:
        kernel_size: height and width of the window, or one number for both.
        strides: the stride along each axis.
        padding: `"valid"` or `"same"`.
        depth_multiplier: the number of output channels per input channel.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        dilation_rate: the spacing between kernel elements.
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add a bias.
        depthwise_initializer, bias_initializer: initializers of the weights.
        depthwise_regularizer, bias_regularizer, activity_regularizer: penalties on the weights
            and on the output, added to the loss.
        depthwise_constraint, bias_constraint: projections of the weights, applied after each
            training step.
        **kwargs: passed to `Layer`.

    Shapes: (batch, height, width, channels) -> (batch, new_height, new_width,
    channels * depth_multiplier); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: the window is larger than the input.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cornu.layers.DepthwiseConv2D(3, strides=2, padding="same")(np.zeros((2, 10, 10, 4))).shape
    (2, 5, 5, 4)

    Note: strides and dilation may both be greater than 1, as in Keras on JAX.
    """

    rank = 2
    defaults = {"strides": (1, 1), "dilation_rate": (1, 1)}
