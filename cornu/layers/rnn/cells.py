"""Recurrent cells: one step in time. The loop over time is in `rnn.py`."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.layers.rnn.cell_protocol import (
    DenseCell,
    build_cell,
    call_cell,
    check_cell,
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
    """One step of a fully connected recurrent network: the output is fed back.

        h[t] = activation(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)

    Args:
        units: the number of units: the size of the state and of the output.
        activation: None is the identity.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: fraction of the inputs that is set to zero in training.
        recurrent_dropout: fraction of the state that is set to zero in training.
        seed: seed of the dropout.

    Shapes: inputs (batch, features), states [(batch, units)] -> (batch, units), [(batch, units)].

    Example:

    >>> import numpy as np
    >>> cell = SimpleRNNCell(4)
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
        return self._step(sequence, states, training)

    def mix(self, x: Array, a: Array, states: States) -> States:
        return [self.activation(x + a)]


class LSTMCell(DenseCell):
    """One step of a network with long short-term memory.

        i, f, g, o = split(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)
        c[t] = recurrent_activation(f) * c[t-1] + recurrent_activation(i) * activation(g)
        h[t] = recurrent_activation(o) * activation(c[t])

    Args:
        units: the number of units: the size of the states and of the output.
        activation: of the candidate and of the carry; None is the identity.
        recurrent_activation: of the gates; None is the identity.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights.
        unit_forget_bias: whether the bias of the forget gate begins with ones.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: fraction of the inputs that is set to zero in training.
        recurrent_dropout: fraction of the state that is set to zero in training; with it, each
            gate has a mask of its own.
        seed: seed of the dropout.

    Shapes: inputs (batch, features), states [h, c] of (batch, units) -> h, [h, c].

    Example:

    >>> import numpy as np
    >>> cell = LSTMCell(4)
    >>> output, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> [state.shape for state in states]
    [(2, 4), (2, 4)]

    References: Sepp Hochreiter, Jürgen Schmidhuber (1997), "Long short-term memory"; Rafal
    Jozefowicz, Wojciech Zaremba, Ilya Sutskever (2015), "An empirical exploration of recurrent
    network architectures" (the bias of the forget gate).

    Differences: gates stand in the order i, f, g, o (the candidate g is Keras's c), as in
    PyTorch, which has two biases. Keras 1 and 2 used `hard_sigmoid` for the gates.
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

    def _initial_bias(self, shape: Any, dtype: DTypeLike | None = None) -> Any:
        if not self.unit_forget_bias:
            return super()._initial_bias(shape, dtype)
        rest = super()._initial_bias((3 * self.units,), dtype)
        forget = np.ones((self.units,), np.asarray(rest).dtype)
        return np.concatenate([rest[: self.units], forget, rest[self.units :]])

    def call(self, inputs: Array, states: States, training: bool = False) -> tuple[Any, Any]:
        return self._step(inputs, states, training)

    def mix(self, x: Array, a: Array, states: States) -> States:
        i, f, g, o = jnp.split(x + a, 4, axis=-1)
        c = self.recurrent_activation(f) * states[1] + self.recurrent_activation(
            i
        ) * self.activation(g)
        return [self.recurrent_activation(o) * self.activation(c), c]


class GRUCell(DenseCell):
    """One step of a network of gated recurrent units.

        z, r, g = split(x[t] @ kernel + bias[0])
        z', r', g' = split(h[t-1] @ recurrent_kernel + bias[1])
        z, r = recurrent_activation(z + z'), recurrent_activation(r + r')
        h[t] = z * h[t-1] + (1 - z) * activation(g + r * g')

    With `reset_after=False`, g' is instead `(r * h[t-1]) @ recurrent_kernel`, and the bias has
    one row only.

    Args:
        units: the number of units: the size of the state and of the output.
        activation: of the candidate; None is the identity.
        recurrent_activation: of the gates; None is the identity.
        use_bias: whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: fraction of the inputs that is set to zero in training.
        recurrent_dropout: fraction of the state that is set to zero in training; with it, each
            gate has a mask of its own.
        reset_after: whether the reset gate acts after the product with the recurrent kernel.
        seed: seed of the dropout.

    Shapes: inputs (batch, features), states [(batch, units)] -> (batch, units), [(batch, units)].

    Example:

    >>> import numpy as np
    >>> cell = GRUCell(4)
    >>> output, states = cell(np.ones((2, 3), "float32"), cell.get_initial_state(2))
    >>> output.shape
    (2, 4)

    References: Kyunghyun Cho et al. (2014), "Learning phrase representations using RNN
    encoder-decoder for statistical machine translation".

    Differences: the first version of the paper resets before the product. z weighs the old state
    here and in PyTorch, the new one in the paper's text. Keras 1 and 2 reset before the product.
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
        return self._step(inputs, states, training)

    def advance(self, x: Array, states: States, training: bool = False) -> tuple[Any, States]:
        if self.reset_after:
            return super().advance(x, states, training)
        (h,) = states
        masks = self._state_masks_for(h, training) or []
        kernel = self.recurrent_kernel.value
        x_gates, x_g = x[..., : 2 * self.units], x[..., 2 * self.units :]
        a = product(h, kernel[:, : 2 * self.units], masks[:2])
        z, r = jnp.split(self.recurrent_activation(x_gates + a), 2, axis=-1)
        a_g = product(r * h, kernel[:, 2 * self.units :], masks[2:])
        new = z * h + (1 - z) * self.activation(x_g + a_g)
        return new, [new]

    def mix(self, x: Array, a: Array, states: States) -> States:
        x_z, x_r, x_g = jnp.split(x, 3, axis=-1)
        a_z, a_r, a_g = jnp.split(a, 3, axis=-1)
        z = self.recurrent_activation(x_z + a_z)
        r = self.recurrent_activation(x_r + a_r)
        return [z * states[0] + (1 - z) * self.activation(x_g + r * a_g)]

    def supports_rule(self, training: bool) -> bool:
        return self.reset_after and super().supports_rule(training)


class StackedRNNCells(Layer):
    """Several cells, one on top of the other, as one cell.

    The output of each cell is the input of the next one. The states are a list with the states
    of each cell.

    Args:
        cells: the cells, the lowest first.

    Example:

    >>> cell = StackedRNNCells([LSTMCell(4), GRUCell(3)])
    >>> cell.state_size, cell.output_size
    ([[4, 4], 3], 3)
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cells = [check_cell(cell, self._label()) for cell in cells]
        if not self.cells:
            raise ValueError(f"{self._label()} needs at least one cell.")

    @property
    def state_size(self) -> list[Any]:
        """Sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """Size of the last cell's output."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Returns the initial states of each cell."""
        return [initial_state(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: ShapeLike) -> None:
        for cell in self.cells:
            build_cell(cell, input_shape)
            input_shape = (input_shape[0], output_size(cell))

    def call(
        self, inputs: Array, states: States, training: bool = False, **kwargs: Any
    ) -> tuple[Any, Any]:
        news = []
        for cell, own in zip(self.cells, states, strict=True):
            listed = list(own) if isinstance(own, (list, tuple)) else [own]
            inputs, new = call_cell(cell, inputs, listed, training, **kwargs)
            news.append(new)
        return inputs, news
