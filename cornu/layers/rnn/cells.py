"""Recurrent cells, which compute one time step. `rnn.py` contains the loop over time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from cornu.core.layer.layer import Layer
from cornu.layers.rnn.cell_protocol import (
    DenseCell,
    GatedCell,
    build_cell,
    call_cell,
    check_cell,
    initial_forget_bias,
    initial_state,
    output_size,
    product,
)
from cornu.ops.nn import rnn as recurrences
from cornu.types import (
    ActivationLike,
    Array,
    ConstraintLike,
    DTypeLike,
    InitializerLike,
    RegularizerLike,
    ShapeLike,
)

__all__ = ["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"]

States = Any  # a list of arrays, (batch, units) each


class SimpleRNNCell(DenseCell):
    """Cell of `SimpleRNN`: one time step of a fully connected recurrent layer.

        h[t] = activation(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)

    Args:
        units: the size of the state and of the output.
        activation: the activation function; None is the identity.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights,
            applied after each training step.
        dropout: the fraction of the inputs to set to zero in training.
        recurrent_dropout: the fraction of the state to set to zero in training.
        seed: the seed of the dropout.

    Shapes: inputs (batch, features), states [(batch, units)] -> (batch, units), [(batch, units)].

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cell = cornu.layers.SimpleRNNCell(4)
    >>> output, states = cell(np.ones((2, 3), "float32"), [np.zeros((2, 4), "float32")])
    >>> output.shape
    (2, 4)

    References: Jeffrey L. Elman (1990), "Finding structure in time".
    """

    rule = recurrences.SIMPLE

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
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

    def call(self, sequence: Array, states: States, training: bool = False) -> tuple[Any, Any]:
        """Returns the output and the new states.

        Args:
            sequence: the inputs of one time step, (batch, features).
            states: the states before the step, in a list.
            training: whether dropout is applied.
        """
        return self._step(sequence, states, training)

    def mix(self, x: Array, a: Array, states: States) -> States:
        return [self.activation(x + a)]


class LSTMCell(GatedCell):
    """Cell of `LSTM`: one time step of long short-term memory.

        i, f, g, o = split(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)
        c[t] = recurrent_activation(f) * c[t-1] + recurrent_activation(i) * activation(g)
        h[t] = recurrent_activation(o) * activation(c[t])

    Args:
        units: the size of the states and of the output.
        activation: the activation of the candidate and of the cell state; None is the identity.
        recurrent_activation: the activation of the gates; None is the identity.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
        unit_forget_bias: whether to initialize the bias of the forget gate to ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights,
            applied after each training step.
        dropout: the fraction of the inputs to set to zero in training.
        recurrent_dropout: the fraction of the state to set to zero in training. If it is not 0,
            inputs and state have a separate mask for each gate.
        seed: the seed of the dropout.
        **kwargs: `implementation`, which has no effect, and arguments of `Layer`.

    Shapes: inputs (batch, features), states [h, c] of (batch, units) -> h, [h, c].

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cell = cornu.layers.LSTMCell(4)
    >>> output, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> [state.shape for state in states]
    [(2, 4), (2, 4)]

    References: Sepp Hochreiter, Jürgen Schmidhuber (1997), "Long short-term memory"; Rafal
    Jozefowicz, Wojciech Zaremba, Ilya Sutskever (2015), "An empirical exploration of recurrent
    network architectures" (the bias of the forget gate).

    Note: the gates are in the order i, f, g, o (Keras calls the candidate g c). PyTorch has the
    same order, but two biases. Keras 1 and 2 used `hard_sigmoid` for the gates.
    """

    gates = 4
    state_count = 2
    rule = recurrences.LSTM

    unit_forget_bias: bool

    def __init__(
        self,
        units: int,
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

    def _initial_bias(
        self, initializer: Callable[..., Any], shape: Any, dtype: DTypeLike | None
    ) -> Any:
        if not self.unit_forget_bias:
            return super()._initial_bias(initializer, shape, dtype)
        return initial_forget_bias(initializer, self.units, dtype)

    def call(self, inputs: Array, states: States, training: bool = False) -> tuple[Any, Any]:
        """Returns the output and the new states."""
        return self._step(inputs, states, training)

    def mix(self, x: Array, a: Array, states: States) -> States:
        i, f, g, o = jnp.split(x + a, 4, axis=-1)
        i, f, o = (self.recurrent_activation(gate) for gate in (i, f, o))
        h, c, _ = recurrences.lstm_states(i, f, self.activation(g), o, states[1], self.activation)
        return [h, c]


class GRUCell(GatedCell):
    """Cell of `GRU`: one time step of a gated recurrent unit.

        z, r, g = split(x[t] @ kernel + bias[0])
        z', r', g' = split(h[t-1] @ recurrent_kernel + bias[1])
        z, r = recurrent_activation(z + z'), recurrent_activation(r + r')
        h[t] = z * h[t-1] + (1 - z) * activation(g + r * g')

    With `reset_after=False`, g' is instead `(r * h[t-1]) @ recurrent_kernel`, and the bias has
    one row only.

    Args:
        units: the size of the state and of the output.
        activation: the activation of the candidate state; None is the identity.
        recurrent_activation: the activation of the gates; None is the identity.
        use_bias: whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights,
            applied after each training step.
        dropout: the fraction of the inputs to set to zero in training.
        recurrent_dropout: the fraction of the state to set to zero in training. If it is not 0,
            inputs and state have a separate mask for each gate.
        reset_after: whether the reset gate is applied after the product with the recurrent kernel
            (True) or before it (False).
        seed: the seed of the dropout.
        **kwargs: `implementation`, which has no effect, and arguments of `Layer`.

    Shapes: inputs (batch, features), states [(batch, units)] -> (batch, units), [(batch, units)].

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> cell = cornu.layers.GRUCell(4)
    >>> output, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> output.shape
    (2, 4)

    References: Kyunghyun Cho et al. (2014), "Learning phrase representations using RNN
    encoder-decoder for statistical machine translation".

    Note: the paper and Keras 1 and 2 apply the reset gate before the product. z is the weight of
    the previous state, as in PyTorch; in the text of the paper, it is that of the new state.
    """

    gates = 3
    rule = recurrences.GRU

    reset_after: bool

    def __init__(
        self,
        units: int,
        activation: ActivationLike = "tanh",
        recurrent_activation: ActivationLike = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: InitializerLike = "glorot_uniform",
        recurrent_initializer: InitializerLike = "orthogonal",
        bias_initializer: InitializerLike = "zeros",
        kernel_regularizer: RegularizerLike | None = None,
        recurrent_regularizer: RegularizerLike | None = None,
        bias_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.store_arguments(locals())

    def _bias_shape(self) -> tuple[int, ...]:
        width = self.gates * self.units
        # With `reset_after`, as in cuDNN, inputs and state have a bias each.
        return (2, width) if self.reset_after else (width,)

    @property
    def input_bias(self) -> Any:
        if self.bias is None:
            return None
        return self.bias.value[0] if self.reset_after else self.bias.value

    @property
    def recurrent_bias(self) -> Any:
        return self.bias.value[1] if self.bias is not None and self.reset_after else None

    def call(self, inputs: Array, states: States, training: bool = False) -> tuple[Any, Any]:
        """Returns the output and the new states."""
        return self._step(inputs, states, training)

    def advance(self, x: Array, states: States, training: bool = False) -> tuple[Any, States]:
        if self.reset_after:
            return super().advance(x, states, training)
        # The reset gate must be known before the product of the candidate, so that there are two
        # products instead of one.
        (h,) = states
        masks = self._state_masks_for(h, training) or []
        kernel = self.recurrent_kernel.value
        x_gates, x_g = x[..., : 2 * self.units], x[..., 2 * self.units :]
        a = product(h, kernel[:, : 2 * self.units], masks[:2])
        z, r = jnp.split(self.recurrent_activation(x_gates + a), 2, axis=-1)
        a_g = product(r * h, kernel[:, 2 * self.units :], masks[2:])
        new = recurrences.gru_state(z, self.activation(x_g + a_g), h)
        return new, [new]

    def mix(self, x: Array, a: Array, states: States) -> States:
        x_z, x_r, x_g = jnp.split(x, 3, axis=-1)
        a_z, a_r, a_g = jnp.split(a, 3, axis=-1)
        z = self.recurrent_activation(x_z + a_z)
        r = self.recurrent_activation(x_r + a_r)
        return [recurrences.gru_state(z, self.activation(x_g + r * a_g), states[0])]

    def supports_rule(self, training: bool) -> bool:
        return self.reset_after and super().supports_rule(training)


class StackedRNNCells(Layer):
    """Wraps a stack of cells as a single cell.

    The output of each cell is the input of the next. The state is a list of the states of all
    cells.

    Args:
        cells: a list of cells, in the order in which they are applied.
        **kwargs: arguments of `Layer`.

    Example:

    >>> from cornu import layers
    >>> cell = layers.StackedRNNCells([layers.LSTMCell(4), layers.GRUCell(3)])
    >>> cell.state_size, cell.output_size
    ([[4, 4], 3], 3)
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = [check_cell(cell, self._label_()) for cell in cells]
        if not self.cells:
            raise ValueError(f"{self._label_()} requires at least one cell.")

    @property
    def state_size(self) -> list[Any]:
        """The state sizes of all cells."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The output size of the last cell."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Returns the initial states of all cells.

        Args:
            batch_size: the number of sequences.
        """
        return [initial_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: ShapeLike) -> None:
        """Builds the cells."""
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(
        self, inputs: Array, states: States, training: bool = False, **kwargs: Any
    ) -> tuple[Any, Any]:
        """Returns the output of the last cell, and the new states of all cells.

        Args:
            inputs: the inputs of one time step, (batch, features).
            states: a list with the states of each cell.
            training: whether the cells apply dropout.
            **kwargs: passed to the cells.
        """
        new_states = []
        for cell, own in zip(self.cells, states, strict=True):
            listed = list(own) if isinstance(own, (list, tuple)) else [own]
            inputs, new = call_cell(cell, inputs, listed, training, **kwargs)
            new_states.append(new)
        return inputs, new_states
