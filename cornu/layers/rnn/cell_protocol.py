"""What recurrent cells have in common, and what is asked of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.state.variable import Variable
from cornu.deviations import is_enabled
from cornu.ops import random, sigmoid, tanh
from cornu.ops.nn import rnn as recurrences
from cornu.parts import activations, constraints, initializers, regularizers

__all__ = [
    "DenseCell",
    "DroppingCell",
    "build_cell",
    "call_cell",
    "check_cell",
    "first_mask",
    "initial_state",
    "mirror",
    "output_size",
    "plus",
    "product",
]

States = Any  # a list of arrays, (batch, units) each


class DroppingCell(Layer):
    """The base of cells that drop inputs and states, with the same mask for all time steps.

    A mask is drawn once and held until it is reset. `RNN` does both around its loop; in a loop of
    one's own, call `get_dropout_mask` before and `reset_dropout_mask` after it. Where no mask is
    held, each call of the cell draws its own.

    Attributes:
        gates: how many products the cell makes of its input.
        mask_count: how many masks, 1 or one for each gate.
    """

    gates: ClassVar[int] = 1
    mask_count = 1

    def __init__(
        self, dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        if self.recurrent_dropout:
            self.mask_count = self.gates
        self.seed = seed
        self.seed_generator = random.SeedGenerator(seed, name=self.name)
        self._input_masks: list[Any] | None = None
        self._state_masks: list[Any] | None = None

    def get_dropout_mask(self, step_input: Any) -> list[Any] | None:
        """Draws masks for inputs that look like one, and holds them; None without dropout."""
        if self._input_masks is None:
            self._input_masks = self._draw_masks(step_input, self.dropout)
        return self._input_masks

    def get_recurrent_dropout_mask(self, step_input: Any) -> list[Any] | None:
        """Draws masks for states that look like one, and holds them; None without dropout."""
        if self._state_masks is None:
            self._state_masks = self._draw_masks(step_input, self.recurrent_dropout)
        return self._state_masks

    def reset_dropout_mask(self) -> None:
        """Lets go of the masks for inputs."""
        self._input_masks = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Lets go of the masks for states."""
        self._state_masks = None

    def _draw_masks(self, like: Any, rate: float) -> list[Any] | None:
        if rate == 0:
            return None
        ones = jnp.ones(like.shape, like.dtype)
        count = range(self.mask_count)
        return [random.dropout(ones, rate, seed=self.seed_generator) for _ in count]

    def _input_masks_for(self, inputs: Any, training: bool) -> list[Any] | None:
        if not training:
            return None
        return self._input_masks or self._draw_masks(inputs, self.dropout)

    def _state_masks_for(self, state: Any, training: bool) -> list[Any] | None:
        if not training:
            return None
        return self._state_masks or self._draw_masks(state, self.recurrent_dropout)


class DenseCell(DroppingCell):
    """The base of the cells whose gates are products of input and state with two kernels.

    A step is `advance(project(inputs), states)`. `project` does not depend on the states, so that
    a loop may do it for all time steps in one product.

    Attributes:
        rule: the recurrence that equals a loop of `advance` with tanh and sigmoid.
        state_count: the number of states.
    """

    rowwise = True
    rule: ClassVar[recurrences.Rule]
    state_count: ClassVar[int] = 1

    def __init__(
        self,
        units: int,
        activation: Any,
        recurrent_activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(units, int) or units <= 0:
            raise ValueError(
                f"{self._label()}: units must be a positive integer. Received: {units!r}"
            )
        self.units = units
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.state_size = units if self.state_count == 1 else [units] * self.state_count
        self.output_size = units
        self.bias: Variable | None = None

    def build(self, input_shape: Any) -> None:
        width = self.gates * self.units
        self.kernel = self.add_weight(
            (input_shape[-1], width),
            self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.recurrent_kernel = self.add_weight(
            (self.units, width),
            self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
            name="recurrent_kernel",
        )
        if self.use_bias:
            self.bias = self.add_weight(
                self._bias_shape(),
                self._initial_bias,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _initial_bias(self, shape: Any, dtype: Any = None) -> Any:
        return self.bias_initializer(shape, dtype=dtype)

    def get_initial_state(self, batch_size: Any = None) -> States:
        """Returns states of zeros."""
        return [
            jnp.zeros((batch_size, self.units), self.compute_dtype) for _ in range(self.state_count)
        ]

    @property
    def input_bias(self) -> Any:
        """What is added to the product of the input, or None."""
        return None if self.bias is None else self.bias.value

    @property
    def recurrent_bias(self) -> Any:
        """What is added to the product of the state, or None."""
        return None

    def project(self, inputs: Any, training: bool = False) -> Any:
        """Returns what inputs (batch, features) or (time, batch, features) give to the gates."""
        masks = self._input_masks_for(inputs, training)
        return plus(product(inputs, self.kernel.value, masks), self.input_bias)

    def follow(self, steps: Any, states: States, training: bool, **how: Any) -> recurrences.Result:
        """Takes all time steps of inputs (time, batch, features) by the rule."""
        masks = self._input_masks_for(steps, training)
        x = product(steps, self.kernel.value, masks, recurrences.project)
        biases = self.recurrent_bias, self.input_bias
        return recurrences.recurrence(
            self.rule, x, states, self.recurrent_kernel.value, *biases, **how
        )

    def advance(self, x: Any, states: States, training: bool = False) -> tuple[Any, States]:
        """Returns output and new states from what the inputs give to the gates."""
        masks = self._state_masks_for(states[0], training)
        a = plus(product(states[0], self.recurrent_kernel.value, masks), self.recurrent_bias)
        new = self.mix(x, a, states)
        return new[0], new

    def mix(self, x: Any, a: Any, states: States) -> States:
        """Returns the new states from what input and state give to the gates."""
        raise NotImplementedError

    def follows_rule(self, training: bool) -> bool:
        """Returns whether the loop may use `rule`, which describes this cell."""
        return (
            is_enabled("recurrence")
            and self.activation is tanh
            and self.recurrent_activation is sigmoid
            and not (training and self.recurrent_dropout)
        )

    def _step(self, inputs: Any, states: Any, training: bool) -> tuple[Any, Any]:
        """A step whose single state may stand alone or in a list."""
        listed = list(states) if isinstance(states, (list, tuple)) else [states]
        output, new = self.advance(self.project(inputs, training), listed, training)
        return output, new if isinstance(states, (list, tuple)) else new[0]


def check_cell(cell: Any, who: str) -> Any:
    """Returns a cell that has what a cell needs, or raises a ValueError."""
    for name, what in (
        ("call", "a method `call(inputs, states)`"),
        ("state_size", "an attribute `state_size`, an integer or one for each state"),
    ):
        if name not in dir(cell):  # a property is not evaluated here
            raise ValueError(f"{who}: a cell must have {what}. Received: {cell!r}")
    return cell


def output_size(cell: Any) -> Any:
    """Returns the size of a cell's output; without `output_size`, that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    sizes = cell.state_size
    return sizes[0] if isinstance(sizes, (list, tuple)) else sizes


def initial_state(cell: Any, batch_size: Any, dtype: str) -> Any:
    """Returns a cell's initial states; without `get_initial_state`, zeros."""
    if "get_initial_state" in dir(cell):
        return cell.get_initial_state(batch_size=batch_size)
    sizes = cell.state_size
    if isinstance(sizes, (list, tuple)):
        return [jnp.zeros((batch_size, size), dtype) for size in sizes]
    return jnp.zeros((batch_size, sizes), dtype)


def build_cell(cell: Any, input_shape: Any) -> None:
    """Builds a cell that is a layer and not built."""
    if isinstance(cell, Layer) and not cell.built:
        cell.build(tuple(input_shape))
        cell.built = True


def call_cell(cell: Any, inputs: Any, states: Any, training: Any, **kwargs: Any) -> Any:
    """Calls a cell; one that is no layer gets `training` only if it takes it."""
    if call_signature(type(cell)).training:
        kwargs["training"] = training
    return (cell if isinstance(cell, Layer) else cell.call)(inputs, states, **kwargs)


def plus(x: Any, bias: Any) -> Any:
    """Returns `x + bias`, or x where there is no bias."""
    return x if bias is None else x + bias


def product(
    x: jax.Array,
    kernel: jax.Array,
    masks: list[Any] | None,
    multiply: Callable[[jax.Array, jax.Array], jax.Array] = jnp.matmul,
) -> jax.Array:
    """Returns `x @ kernel`, x being dropped by one mask or by another one for each gate."""
    if not masks:
        return multiply(x, kernel)
    if len(masks) == 1:
        return multiply(x * masks[0], kernel)
    parts = jnp.split(kernel, len(masks), axis=-1)
    return jnp.concatenate(
        [multiply(x * m, part) for m, part in zip(masks, parts, strict=True)], axis=-1
    )


def first_mask(mask: Any) -> Any:
    """Returns the mask of the first input; those of others are the same."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


def mirror(*names: str) -> Any:
    """Class decorator: makes properties that show what the layer's cell was made with."""

    def decorate(cls: type) -> type:
        for name in names:
            setattr(cls, name, property(lambda self, name=name: getattr(self.cell, name)))
        return cls

    return decorate
