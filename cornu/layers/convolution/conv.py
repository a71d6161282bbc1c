"""Convolution layers: Conv1D, Conv2D and Conv3D."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal, cast

import jax

from cornu import ops
from cornu.core.state.variable import Variable
from cornu.errors import quantity, suggest
from cornu.layers.adaptable import AdaptableLayer, AdaptedWeight
from cornu.layers.base import Activation
from cornu.layers.spatial import Spatial
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
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Convolution1D",
    "Convolution2D",
    "Convolution3D",
]


class Convolving(Spatial):
    """Base class of convolution layers: window arguments, bias and activation.

    Subclasses create the kernels and apply them.
    """

    paddings: ClassVar[tuple[str, ...]] = ("valid", "same")

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation_rate: tuple[int, ...]
    padding: Padding | Literal["causal"]
    activation: Activation
    bias: Variable | None

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores the constructor arguments, after validation and conversion."""
        super().store_arguments(arguments, skip)
        self.padding = self._check_padding(self.padding)

    def _check_padding(self, padding: Any) -> Padding | Literal["causal"]:
        name = padding.lower() if isinstance(padding, str) else padding
        if name not in self.paddings:
            raise ValueError(
                f"{self._label_()}: unknown `padding` {padding!r}. {suggest(name, self.paddings)}"
            )
        return cast(Padding, name)

    def _check_strides_and_dilation(self) -> None:
        # Keras refuses the combination, which TensorFlow does not support. XLA would compute it.
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{self._label_()}: `strides` and `dilation_rate` cannot both be greater than 1. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )

    def _add_bias_and_activate(self, outputs: jax.Array) -> jax.Array:
        """Adds the bias and applies the activation."""
        if self.bias is not None:
            outputs = outputs + self._broadcast_channels(self.bias)
        outputs = self.activation(outputs)
        return outputs


class _Conv(AdaptableLayer, Convolving):
    _map_name_ = "Convolution"

    kernel = AdaptedWeight()
    filters: int
    groups: int

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding | Literal["causal"] = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        groups: int = 1,
        activation: ActivationLike | None = None,
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self._check_strides_and_dilation()
        if filters % groups:
            raise ValueError(
                f"{self._label_()}: `filters` must be divisible by `groups`. "
                f"Received: filters={filters}, groups={groups}"
            )

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel` of shape (*kernel_size, channels / groups, filters), and `bias`."""
        channels = self._fix_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"{self._label_()}: the channels of the input must be divisible by `groups`. "
                f"Received: groups={self.groups} and {quantity(channels, 'channel')}, input of "
                f"shape {tuple(input_shape)}\n"
                "`groups` must divide both the channels and the filters."
            )
        self.create_adaptable_weight(
            "kernel", (*self.kernel_size, channels // self.groups, self.filters)
        )
        self.bias = self.create_bias((self.filters,))

    def convolution_op(self, inputs: jax.Array, kernel: Any) -> jax.Array:
        """Computes the convolution; subclasses may override it to modify the kernel.

        Args:
            inputs: the inputs of the layer, in its compute dtype.
            kernel: the kernel, an array or the Variable.
        """
        # For causal padding, Conv1D has padded the inputs already.
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
        return self._add_bias_and_activate(self.convolution_op(inputs, self.kernel))


class Conv1D(_Conv):
    """1D convolution layer, for example over time.

    Formula: `y[b, t, f] = activation(sum_{i, c} kernel[i, c, f] * x[b, t + i, c] + bias[f])`.

    Args:
        padding: `"valid"`, `"same"` or `"causal"`. Causal padding adds zeros before the first
            step, so that no output depends on later inputs.
        filters, kernel_size, ...: as in `Conv2D`, with one number instead of two.

    Shapes: (batch, steps, channels) -> (batch, new_steps, filters), or with
    `data_format="channels_first"` (batch, channels, steps) -> (batch, filters, new_steps).

    Raises:
        ValueError: as in `Conv2D`.

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
        """Computes the convolution; subclasses may override it to modify the kernel."""
        if self.padding == "causal":
            # Padding before the sequence only, so that no output depends on later time steps.
            before = self.dilation_rate[0] * (self.kernel_size[0] - 1)
            inputs = ops.pad(inputs, self._expand_to_axes([(before, 0)], (0, 0)))
        return super().convolution_op(inputs, kernel)


class Conv2D(_Conv):
    """2D convolution layer, for example over images.

    Formula: `y[b, h, w, f] = activation(sum_{i, j, c} kernel[i, j, c, f] * x[b, h + i, w + j, c]
    + bias[f])`, with strides and dilation `x[b, h * stride + i * dilation, ...]`.

    Args:
        filters: the number of output channels.
        kernel_size: height and width of the window, or one number for both.
        strides: the stride along each axis.
        padding: `"valid"` (no padding) or `"same"` (zero padding, so that with a stride of 1
            the output has the size of the input).
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        dilation_rate: the spacing between kernel elements.
        groups: the number of groups into which the channels are split; each group has
            `filters / groups` filters.
        activation: an activation function, or its name; the identity by default.
        use_bias: whether to add a bias.
        kernel_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, bias_regularizer, activity_regularizer: penalties on the weights and
            on the output, added to the loss.
        kernel_constraint, bias_constraint: projections of the weights, applied after each training
            step.
        lora_rank, lora_alpha: if given, the kernel gets an adapter of LoRA; see `enable_lora`.
        **kwargs: passed to `Layer`.

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

    Note: as in Keras and PyTorch, the kernel is not flipped (this is a cross-correlation). With
    strides, `padding="same"` may pad one more element at the end than at the beginning, while
    `padding=k // 2` of PyTorch is symmetric. To use PyTorch weights, apply `ZeroPadding2D` first,
    and `padding="valid"`.
    """

    rank = 2
    defaults = {"strides": (1, 1), "dilation_rate": (1, 1)}


class Conv3D(_Conv):
    """3D convolution layer, for example over volumes or videos.

    Args:
        filters, kernel_size, ...: as in `Conv2D`, with three numbers instead of two.

    Shapes: (batch, depth, height, width, channels) -> (batch, new_depth, new_height, new_width,
    filters); with `data_format="channels_first"` the channels are axis 1.

    Raises:
        ValueError: as in `Conv2D`.

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
