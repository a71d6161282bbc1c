"""Base classes of recurrent cells, and the protocol of user-defined cells."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.state.variable import Variable
from cornu.deviations import is_enabled
from cornu.foreign import describe_replacement
from cornu.layers.base import Activation, ConfiguredLayer
from cornu.ops import random, sigmoid, tanh
from cornu.ops.nn import rnn as recurrences
from cornu.parts.initializers.base import DerivedInitializer
from cornu.types import Array, DTypeLike, ShapeLike

__all__ = [
    "DenseCell",
    "DroppingCell",
    "GatedCell",
    "ProjectingCell",
    "build_cell",
    "call_cell",
    "cell_parameters",
    "check_cell",
    "first_mask",
    "initial_forget_bias",
    "initial_state",
    "make_cell",
    "mirror",
    "output_size",
    "plus",
    "product",
]

T = TypeVar("T")
C = TypeVar("C", bound="ProjectingCell")

States = Any  # a list of arrays (batch, units)


class DroppingCell(ConfiguredLayer):
    """Base class of cells with dropout, which use the same mask in all time steps.

    A mask is sampled once and cached until it is reset. `RNN` does both around its loop. A custom
    loop calls `get_dropout_mask` before the first step and `reset_dropout_mask` after the last.
    Without a cached mask, each call of the cell samples a new one.

    Attributes:
        gates: the number of gates, including the candidate.
        mask_count: the number of masks: 1, or one for each gate.
    """

    gates: ClassVar[int] = 1
    mask_count = 1

    dropout: float
    recurrent_dropout: float
    _input_masks: list[Any] | None = None
    _state_masks: list[Any] | None = None

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores the constructor arguments, and creates the seed generator."""
        super().store_arguments(arguments, skip)
        # Keras clips the rates too, instead of raising.
        self.dropout = min(1.0, max(0.0, self.dropout))
        self.recurrent_dropout = min(1.0, max(0.0, self.recurrent_dropout))
        # As in Keras, recurrent dropout selects separate masks per gate, for the inputs too.
        if self.recurrent_dropout:
            self.mask_count = self.gates
        self.seed_generator = random.SeedGenerator(arguments["seed"], name=self.name)
        self._input_masks = self._state_masks = None

    def get_dropout_mask(self, step_input: Array) -> list[Any] | None:
        """Returns the dropout masks of the inputs, sampled once; None without dropout.

        Args:
            step_input: the inputs of a step, whose shape and dtype the masks have.
        """
        if self._input_masks is None:
            self._input_masks = self._sample_dropout_masks(step_input, self.dropout)
        return self._input_masks

    def get_recurrent_dropout_mask(self, step_input: Array) -> list[Any] | None:
        """Returns the dropout masks of the states, sampled once; None without dropout.

        Args:
            step_input: a state, whose shape and dtype the masks have.
        """
        if self._state_masks is None:
            self._state_masks = self._sample_dropout_masks(step_input, self.recurrent_dropout)
        return self._state_masks

    def reset_dropout_mask(self) -> None:
        """Discards the cached dropout masks of the inputs."""
        self._input_masks = None

    def reset_recurrent_dropout_mask(self) -> None:
        """Discards the cached dropout masks of the states."""
        self._state_masks = None

    def _sample_dropout_masks(self, like: Any, rate: float) -> list[Any] | None:
        if rate == 0:
            return None
        ones = jnp.ones(like.shape, like.dtype)
        count = range(self.mask_count)
        return [random.dropout(ones, rate, seed=self.seed_generator) for _ in count]

    def _input_masks_for(self, inputs: Array, training: bool) -> list[Any] | None:
        if not training:
            return None
        return self._input_masks or self._sample_dropout_masks(inputs, self.dropout)

    def _state_masks_for(self, state: Any, training: bool) -> list[Any] | None:
        if not training:
            return None
        return self._state_masks or self._sample_dropout_masks(state, self.recurrent_dropout)


class ProjectingCell(DroppingCell):
    """Base class of cells that project inputs and states to their gates.

    A step is `advance(project(inputs), states)`. `project` does not depend on the states, so that
    it can be computed for all time steps at once.

    Attributes:
        options: the names of further constructor arguments, which affect neither weights nor
            results.
    """

    _rowwise_ = True
    options: ClassVar[tuple[str, ...]] = ()

    def project(self, inputs: Array, training: bool = False) -> Any:
        """Projects inputs (batch, ...) or (time, batch, ...) to the gates.

        Args:
            inputs: the inputs of a step, or of all steps.
            training: whether dropout is applied to them.
        """
        raise NotImplementedError

    def advance(self, x: Array, states: States, training: bool = False) -> tuple[Any, States]:
        """Returns the output and the new states for projected inputs.

        Args:
            x: what `project` returned for the step.
            states: the states before the step.
            training: whether dropout is applied to the states.
        """
        raise NotImplementedError

    def supports_rule(self, training: bool) -> bool:
        """Returns whether a compiled recurrence computes the same as this cell.

        Args:
            training: whether the layer is in training, where dropout may prevent it.
        """
        return False

    def _step(self, inputs: Array, states: States, training: bool) -> tuple[Any, Any]:
        """Computes a step. A single state may be passed alone or in a list."""
        listed = list(states) if isinstance(states, (list, tuple)) else [states]
        output, new = self.advance(self.project(inputs, training), listed, training)
        return output, new if isinstance(states, (list, tuple)) else new[0]


class DenseCell(ProjectingCell):
    """Base class of cells whose gates are products of inputs and states with two kernels.

    Attributes:
        rule: the compiled recurrence that is equivalent to a loop over `advance`, for tanh and
            sigmoid activations.
        state_count: the number of states.
    """

    rule: ClassVar[recurrences.Rule]
    state_count: ClassVar[int] = 1

    units: int
    activation: Activation
    # `supports_rule` compares it; cells without gates have no such argument and keep the default.
    recurrent_activation: Activation = staticmethod(sigmoid)
    bias_initializer: Callable[..., Any]
    bias: Variable | None

    def store_arguments(self, arguments: Mapping[str, Any], skip: tuple[str, ...] = ()) -> None:
        """Stores the constructor arguments, and derives the sizes of state and output."""
        super().store_arguments(arguments, skip)
        self.state_size = self.units if self.state_count == 1 else [self.units] * self.state_count
        self.output_size = self.units
        self.bias = None

    def build(self, input_shape: ShapeLike) -> None:
        """Creates `kernel`, `recurrent_kernel` and `bias`."""
        width = self.gates * self.units
        self.kernel = self.create_weight("kernel", (input_shape[-1], width))
        self.recurrent_kernel = self.create_weight(
            "recurrent_kernel", (self.units, width), prefix="recurrent"
        )
        if self.use_bias:
            self.bias = self.create_weight(
                "bias",
                self._bias_shape(),
                initializer=DerivedInitializer(self.bias_initializer, self._initial_bias),
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _initial_bias(
        self, initializer: Callable[..., Any], shape: Any, dtype: DTypeLike | None
    ) -> Any:
        return initializer(shape, dtype=dtype)

    def get_initial_state(self, batch_size: int | None = None) -> States:
        """Returns initial states of zeros.

        Args:
            batch_size: the number of sequences.
        """
        return [
            jnp.zeros((batch_size, self.units), self.compute_dtype) for _ in range(self.state_count)
        ]

    @property
    def input_bias(self) -> Any:
        """The bias added to the projected inputs, or None."""
        return None if self.bias is None else self.bias.value

    @property
    def recurrent_bias(self) -> Any:
        """The bias added to the projected state, or None."""
        return None

    def project(self, inputs: Array, training: bool = False) -> Any:
        """Projects inputs (batch, features) or (time, batch, features) to the gates."""
        masks = self._input_masks_for(inputs, training)
        return plus(product(inputs, self.kernel.value, masks), self.input_bias)

    def run_rule(
        self, steps: Array, states: States, training: bool, **options: Any
    ) -> recurrences.Result:
        """Runs all time steps of inputs (time, batch, features) with `rule`.

        Args:
            steps: the inputs.
            states: the states before the first step.
            training: whether dropout is applied to the inputs.
            **options: the mask and the options of `RNN`, such as `go_backwards`.
        """
        masks = self._input_masks_for(steps, training)
        x = product(steps, self.kernel.value, masks, recurrences.project)
        biases = self.recurrent_bias, self.input_bias
        result: recurrences.Result = recurrences.recurrence(
            self.rule, x, states, self.recurrent_kernel.value, *biases, **options
        )
        return result

    def advance(self, x: Array, states: States, training: bool = False) -> tuple[Any, States]:
        """Returns the output and the new states for projected inputs."""
        masks = self._state_masks_for(states[0], training)
        recurrent = product(states[0], self.recurrent_kernel.value, masks)
        new = self.mix(x, plus(recurrent, self.recurrent_bias), states)
        return new[0], new

    def mix(self, x: Array, a: Array, states: States) -> States:
        """Returns the new states for a step.

        Args:
            x: the projected inputs.
            a: the projected state.
            states: the states before the step.
        """
        raise NotImplementedError

    def supports_rule(self, training: bool) -> bool:
        """Returns whether `rule` computes the same as this cell."""
        return (
            # `rule` contains these two activations, and has no dropout of the states.
            is_enabled("recurrence")
            and self.activation is tanh
            and self.recurrent_activation is sigmoid
            and not (training and self.recurrent_dropout)
        )


class GatedCell(DenseCell):
    """Base class of the cells with gates, `LSTMCell` and `GRUCell`.

    Args:
        implementation: 1 or 2; how Keras divides the products. It has no effect here, since XLA
            chooses the division, and is not part of the config, as in Keras.
        **kwargs: passed to `Layer`.
    """

    options = ("implementation",)

    def __init__(self, *, implementation: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.implementation = implementation

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor arguments except `implementation`."""
        return {k: v for k, v in super().get_config().items() if k not in self.options}


def check_cell(cell: Any, label: str) -> Any:
    """Returns `cell`; raises an error if it lacks an attribute that cells must have."""
    for name, description in (
        ("call", "a method `call(inputs, states)`"),
        ("state_size", "an attribute `state_size`, an integer or a list of integers"),
    ):
        if not _declares(cell, name):
            raise ValueError(f"{label}: a cell must have {description}. Received: {cell!r}")
    if hint := describe_replacement(cell):
        raise TypeError(f"{label}: the cell cannot be a layer of Keras. Received: {cell!r}{hint}")
    return cell


def _declares(cell: Any, name: str) -> bool:
    """Tells whether a cell or its class has an attribute, without evaluating it."""
    # `hasattr(cell, name)` would evaluate a property, which may fail before `build`.
    return name in getattr(cell, "__dict__", ()) or hasattr(type(cell), name)


def output_size(cell: Any) -> Any:
    """Returns the output size of a cell, by default the size of its first state."""
    size = getattr(cell, "output_size", None)
    if size is not None:
        return size
    sizes = cell.state_size
    return sizes[0] if isinstance(sizes, (list, tuple)) else sizes


def initial_state(cell: Any, batch_size: int | None, dtype: str) -> Any:
    """Returns the initial states of a cell, by default zeros."""
    if _declares(cell, "get_initial_state"):
        return cell.get_initial_state(batch_size=batch_size)
    sizes = cell.state_size
    if isinstance(sizes, (list, tuple)):
        return [jnp.zeros((batch_size, size), dtype) for size in sizes]
    return jnp.zeros((batch_size, sizes), dtype)


def build_cell(cell: Any, input_shape: ShapeLike) -> None:
    """Builds a cell if it is a layer that is not built yet."""
    if isinstance(cell, Layer) and not cell.built:
        cell.build(tuple(input_shape))
        cell.built = True


def call_cell(
    cell: Any, inputs: Array, states: States, training: bool | None, **kwargs: Any
) -> Any:
    """Calls a cell, with `training` if its `call` has this argument."""
    if call_signature(type(cell)).training:
        kwargs["training"] = training
    return (cell if isinstance(cell, Layer) else cell.call)(inputs, states, **kwargs)


def plus(x: Array, bias: Any) -> Any:
    """Returns `x + bias`, or `x` if the bias is None."""
    return x if bias is None else x + bias


def product(
    x: jax.Array,
    kernel: jax.Array,
    masks: list[Any] | None,
    multiply: Callable[[jax.Array, jax.Array], jax.Array] = jnp.matmul,
    axis: int = -1,
) -> jax.Array:
    """Returns `x @ kernel` with dropout of `x`, by one mask or by one mask for each gate.

    Args:
        x: the inputs or the state.
        kernel: the kernels of all gates, side by side along the last axis.
        masks: no mask, one mask, or one for each gate.
        multiply: a function that is linear in both arguments, in place of the matrix product.
        axis: the axis of the result along which the gates are side by side.
    """
    if not masks:
        return multiply(x, kernel)
    if len(masks) == 1:
        return multiply(x * masks[0], kernel)
    parts = jnp.split(kernel, len(masks), axis=-1)
    return jnp.concatenate(
        [multiply(x * m, part) for m, part in zip(masks, parts, strict=True)], axis=axis
    )


def initial_forget_bias(
    initializer: Callable[..., Any], units: int, dtype: DTypeLike | None
) -> np.ndarray:
    """Returns the initial bias of four gates, which is 1 for the forget gate, the second one.

    It preserves the state at first (Jozefowicz et al. 2015).
    """
    rest = np.asarray(initializer((3 * units,), dtype=dtype))
    return np.concatenate([rest[:units], np.ones((units,), rest.dtype), rest[units:]])


def first_mask(mask: Any) -> Any:
    """Returns the mask of the first input, which is the mask of the sequence."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


@functools.cache
def cell_parameters(cell_class: Any) -> tuple[str, ...]:
    """Returns the names of the constructor arguments of a cell, without `**kwargs`."""
    parameters = inspect.signature(cell_class.__init__).parameters
    return tuple(name for name in parameters if name not in ("self", "kwargs"))


def make_cell(
    cell_class: type[C], name: str, arguments: Mapping[str, Any]
) -> tuple[C, dict[str, Any]]:
    """Creates the cell of a recurrent layer from the arguments of the layer.

    Args:
        cell_class: the class of the cell.
        name: the name of the cell.
        arguments: keyword arguments of the layer, including those of the cell.

    Returns:
        The cell, and the remaining arguments.
    """
    rest = dict(arguments)
    # mypy mistakes the `__hash__` of instances for that of the class.
    names = cell_parameters(cell_class)  # type: ignore[arg-type]
    own = {key: rest.pop(key) for key in names}
    own |= {key: rest.pop(key) for key in cell_class.options if key in rest}
    cell = cell_class(
        **own,
        dtype=rest.get("dtype"),
        trainable=rest.get("trainable", True),
        name=name,
    )
    return cell, rest


def mirror(cell_class: Any) -> Callable[[type[T]], type[T]]:
    """Class decorator that adds a property for each argument of the cell, except the seed."""

    def decorate(cls: type[T]) -> type[T]:
        for name in cell_parameters(cell_class):
            if name != "seed":
                setattr(cls, name, _cell_attribute(name))
        return cls

    return decorate


def _cell_attribute(name: str) -> property:
    return property(lambda self: getattr(self.cell, name))
