"""Convolutional LSTM layers: ConvLSTM1D, ConvLSTM2D and ConvLSTM3D."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp

from cornu import ops
from cornu.core.graph.tensor import format_shape
from cornu.core.layer.input_spec import InputSpec
from cornu.layers.arguments import IMAGE_SEQUENCE_HINT
from cornu.layers.base import Activation, keyword_arguments
from cornu.layers.convolution.conv import Convolving
from cornu.layers.rnn.cell_protocol import (
    ProjectingCell,
    initial_forget_bias,
    make_cell,
    mirror,
    plus,
    product,
)
from cornu.layers.rnn.rnn import RNN
from cornu.names import is_library_class
from cornu.ops.nn import rnn as recurrences
from cornu.parts.initializers.base import DerivedInitializer
from cornu.types import (
    ActivationLike,
    Array,
    ConstraintLike,
    DataFormat,
    DTypeLike,
    InitializerLike,
    Padding,
    PyTree,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"]

States = Any  # [h, c], arrays (batch, *spatial, filters)

# Arguments as the cell holds them: one integer per axis, and a data format that is known.
_RESOLVED = ("kernel_size", "strides", "dilation_rate", "data_format")


class ConvLSTMCell(ProjectingCell, Convolving):
    """Base class of the cells of `ConvLSTM1D`, `ConvLSTM2D` and `ConvLSTM3D`.

    A step takes an image and the states, images of the size of its output. The arguments are those
    of the layers.
    """

    # A cell is called with states, whose shapes depend on those of its first input.
    _infers_by_config_ = False
    gates = 4
    mask_count = 4

    filters: int
    recurrent_activation: Activation
    bias_initializer: Callable[..., Any]
    unit_forget_bias: bool

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())
        self._check_strides_and_dilation()
        self.state_size: list[Any] = self._state_sizes((None,) * self.rank)

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel`, `recurrent_kernel` and `bias`."""
        channels = self._fix_channels(input_shape)
        spatial = [n for n in (input_shape[axis] for axis in self.spatial_axes) if n is not None]
        if len(spatial) < self.rank:
            raise ValueError(
                f"{self._label_()}: the spatial sizes must be known, because the initial states "
                f"have them. Received images of shape {tuple(input_shape)}.\n"
                "Specify them in `Input`, as in Input((None, 64, 64, 3)) for sequences of images "
                "of unknown length."
            )
        extent = [
            (k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)
        ]
        if self.padding == "valid":
            self._check_extent(input_shape, extent, "the kernel")
        else:
            extent = [1] * self.rank
        self.state_size = self._state_sizes(
            [(n - k) // s + 1 for n, k, s in zip(spatial, extent, self.strides, strict=True)]
        )
        width = self.gates * self.filters
        self.kernel = self.create_weight("kernel", (*self.kernel_size, channels, width))
        self.recurrent_kernel = self.create_weight(
            "recurrent_kernel", (*self.kernel_size, self.filters, width), prefix="recurrent"
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.create_weight(
                "bias",
                (width,),
                initializer=DerivedInitializer(self.bias_initializer, self._initial_bias),
            )

    def _state_sizes(self, spatial: Sequence[int | None]) -> list[Any]:
        return [self._expand_to_axes(spatial, self.filters)[1:]] * 2

    @property
    def _gate_axis(self) -> int:
        """The axis of the channels, with or without a time axis before them."""
        return -1 if self.data_format == "channels_last" else -(self.rank + 1)

    def _initial_bias(
        self, initializer: Callable[..., Any], shape: Any, dtype: DTypeLike | None
    ) -> Any:
        if not self.unit_forget_bias:
            return initializer(shape, dtype=dtype)
        return initial_forget_bias(initializer, self.filters, dtype)

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Returns initial states of zeros."""
        return [jnp.zeros((batch_size, *size), self.compute_dtype) for size in self.state_size]

    def call(self, inputs: Array, states: States, training: bool = False) -> tuple[Any, Any]:
        """Returns the output and the new states."""
        return self._step(inputs, states, training)

    def project(self, inputs: Array, training: bool = False) -> Any:
        """Convolves images (batch, ...), or those of all time steps (time, batch, ...)."""
        masks = self._input_masks_for(inputs, training)
        x = product(inputs, self.kernel.value, masks, self._convolve_inputs, self._gate_axis)
        return plus(x, None if self.bias is None else self._broadcast_channels(self.bias.value))

    def _convolve_inputs(self, x: Any, kernel: Any) -> Any:
        # The images of all time steps are one large batch.
        outer = x.shape[: -(self.rank + 1)]
        images = x.reshape(math.prod(outer), *x.shape[len(outer) :])
        y = self._convolve(images, kernel, self.strides, self.padding, self.dilation_rate)
        return y.reshape(*outer, *y.shape[1:])

    def _convolve_states(self, h: Any, kernel: Any) -> Any:
        return self._convolve(h, kernel, 1, "same", 1)

    def _convolve(self, x: Any, kernel: Any, strides: Any, padding: Any, dilation: Any) -> Any:
        return ops.conv(x, kernel, strides, padding, self.data_format, dilation)

    def advance(self, x: Array, states: States, training: bool = False) -> tuple[Any, States]:
        """Returns the output and the new states for convolved inputs."""
        h, c = states
        masks = self._state_masks_for(h, training)
        kernel = self.recurrent_kernel.value
        a = product(h, kernel, masks, self._convolve_states, self._gate_axis)
        i, f, g, o = jnp.split(x + a, 4, axis=self._gate_axis)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        h, c, _ = recurrences.lstm_states(i, f, self.activation(g), o, c, self.activation)
        return h, [h, c]


class ConvLSTM1DCell(ConvLSTMCell):
    """Cell of `ConvLSTM1D`, one time step of it."""

    rank = 1


class ConvLSTM2DCell(ConvLSTMCell):
    """Cell of `ConvLSTM2D`, one time step of it."""

    rank = 2


class ConvLSTM3DCell(ConvLSTMCell):
    """Cell of `ConvLSTM3D`, one time step of it."""

    rank = 3


@mirror(ConvLSTMCell)
class ConvLSTM(RNN):
    """Base class of convolutional LSTM layers.

    Attributes:
        cell_class: the class of the cell, which knows the number of spatial axes.
    """

    cell_class: type[ConvLSTMCell]

    def __init__(
        self,
        filters: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        padding: Padding = "valid",
        data_format: DataFormat | None = None,
        dilation_rate: int | Sequence[int] = 1,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        **kwargs: Any,
    ) -> None:
        arguments = keyword_arguments(locals())
        cell, arguments = make_cell(self.cell_class, "conv_lstm_cell", arguments)
        super().__init__(cell, **arguments)
        self.input_spec = InputSpec(ndim=cell.rank + 3, hint=IMAGE_SEQUENCE_HINT)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments, with one integer per axis, and the data format."""
        config = super().get_config()
        # A subclass of a program may have arguments of its own under these names.
        if not is_library_class(type(self)):
            return config
        resolved = {name: getattr(self.cell, name) for name in _RESOLVED}
        return {**config, **resolved}

    def build(self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None) -> None:
        """Builds the cell, and creates the states of a stateful layer."""
        super().build(sequences_shape, initial_state_shape)
        # The states have the size of the first images.
        axes = {axis: size for axis, size in enumerate(sequences_shape) if axis > 1}
        self.input_spec = InputSpec(ndim=len(sequences_shape), axes=axes, hint=IMAGE_SEQUENCE_HINT)
        self.state_size = list(self.cell.state_size)

    def _resolve_initial_state(self, sequences: Array, initial_state: Any) -> States:
        states = super()._resolve_initial_state(sequences, initial_state)
        for state, size in zip(states, self.cell.state_size, strict=True):
            if state.shape[1:] != size:
                raise ValueError(
                    f"{self._label_()}: expected initial states of shape {('batch', *size)}, "
                    f"received {format_shape(state)}.\nStates have the shape of the output of one "
                    "time step."
                )
        return states


class ConvLSTM1D(ConvLSTM):
    """Convolutional LSTM layer over sequences of series, in 1D.

    Args:
        filters, kernel_size, ...: as in `ConvLSTM2D`, with one number instead of two.

    Shapes: x (batch, time, steps, channels) -> h (batch, new_steps, filters), or (batch, time,
        new_steps, filters) with `return_sequences`; with `data_format="channels_first"` the
        channels come before the steps.

    Example:

    >>> import cornu
    >>> cornu.layers.ConvLSTM1D(4, 3, padding="same")(cornu.Input((None, 10, 2))).shape
    (None, 10, 4)

    Fixes: masks are honored, as in `ConvLSTM2D`.
    """

    cell_class = ConvLSTM1DCell


class ConvLSTM2D(ConvLSTM):
    """Convolutional LSTM layer over sequences of images, in 2D.

        i, f, g, o = split(conv(x[t], kernel) + conv(h[t-1], recurrent_kernel) + bias)
        c[t] = recurrent_activation(f) * c[t-1] + recurrent_activation(i) * activation(g)
        h[t] = recurrent_activation(o) * activation(c[t])

    It is an `LSTM` whose products are convolutions; inputs and states are images. The convolution
    of the states has stride 1, no dilation, and zero padding that preserves their size.

    Args:
        filters: the number of channels of the states and of the output.
        kernel_size: height and width of both kernels, or one number for both.
        strides: the strides of the convolution of the inputs.
        padding: `"valid"` or `"same"`, of the convolution of the inputs.
        data_format: `"channels_last"` or `"channels_first"`; `cornu.config.image_data_format()` by
            default.
        dilation_rate: the spacing between the elements of the kernel of the inputs.
        activation: the activation of the candidate and of the cell state; None is the identity.
        recurrent_activation: the activation of the gates; None is the identity.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
        unit_forget_bias: whether to initialize the bias of the forget gate to ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        activity_regularizer: penalty on the output, added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights,
            applied after each training step.
        dropout: the fraction of the inputs to set to zero in training, with a separate mask for
            each gate, the same for all steps.
        recurrent_dropout: the fraction of the state to set to zero in training, likewise.
        seed: the seed of the dropout.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.
        **kwargs: `zero_output_for_mask` of `RNN`, and arguments of `Layer`.

    Call arguments: as in `RNN`; `initial_state` is [h, c].

    Shapes: x (batch, time, height, width, channels) -> h (batch, new_height, new_width, filters),
        or (batch, time, new_height, new_width, filters) with `return_sequences`; with
        `return_state` a tuple of the output, h and c. With `data_format="channels_first"` the
        channels come before the height. Height and width must be known.

    Raises:
        ValueError: the spatial sizes are unknown; strides and dilation are both greater than 1; the
            kernel is larger than the images; initial states have another shape than the output.

    Example:

    >>> import cornu
    >>> frames = cornu.Input((None, 16, 16, 3))
    >>> cornu.layers.ConvLSTM2D(8, 3, return_sequences=True)(frames).shape
    (None, None, 14, 14, 8)

    References: Xingjian Shi et al. (2015), "Convolutional LSTM network: a machine learning approach
    for precipitation nowcasting".

    Fixes: masks are honored; Keras fails on a mask, unless the loop is unrolled.

    Note: the paper also connects the cell state to the gates, which Keras and this layer do not.
    The inputs of all time steps are convolved at once, before the loop.
    """

    cell_class = ConvLSTM2DCell


class ConvLSTM3D(ConvLSTM):
    """Convolutional LSTM layer over sequences of volumes, in 3D.

    Args:
        filters, kernel_size, ...: as in `ConvLSTM2D`, with three numbers instead of two.

    Shapes: x (batch, time, depth, height, width, channels) -> h (batch, new_depth, new_height,
        new_width, filters), with a time axis if `return_sequences`; with
        `data_format="channels_first"` the channels come before the depth.

    Example:

    >>> import cornu
    >>> cornu.layers.ConvLSTM3D(2, (1, 3, 3))(cornu.Input((5, 4, 6, 6, 1))).shape
    (None, 4, 4, 4, 2)

    Fixes: masks are honored, as in `ConvLSTM2D`.
    """

    cell_class = ConvLSTM3DCell
