"""RNN: repeats a cell along the time axis."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.graph.tensor import format_shape
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.layers.rnn.cell_protocol import (
    DroppingCell,
    build_cell,
    call_cell,
    check_cell,
    first_mask,
    initial_state,
)
from cornu.layers.rnn.cells import GRUCell, LSTMCell, SimpleRNNCell, StackedRNNCells
from cornu.ops.nn import rnn as recurrences
from cornu.types import Array, PyTree, ShapeLike

__all__ = ["RNN"]

States = Any  # a list of arrays (batch, ...), or of such lists for stacked cells

# Cells that can do the products of all inputs at once; a subclass may compute something else.
_PROJECTING = (SimpleRNNCell, LSTMCell, GRUCell)


class RNN(Layer):
    """Repeats a cell along the time axis of its input.

        outputs[t], states = cell(sequences[:, t], states)

    A cell has a method `call(inputs, states)` (which may also take `training`) that returns the
    output and the new states, and an attribute `state_size`, an integer or one for each state. It
    may have `output_size` and a method `get_initial_state(batch_size)`. Cells that are layers are
    built and trained with this one.

    Args:
        cell: the cell, or a list of cells that are stacked.
        return_sequences: whether the outputs of all time steps are returned, not only the last.
        return_state: whether the states after the last step are returned too.
        go_backwards: whether to process the sequence in reverse; the outputs are in the order of
            processing.
        stateful: whether the states are kept from one call to the next, row by row of the batch.
        unroll: whether the steps are compiled one after another instead of as a loop: slow to
            compile, sometimes faster for few steps.
        zero_output_for_mask: whether outputs of masked steps are zero instead of the one before.
        **kwargs: passed to `Layer`.

    Call arguments:
        sequences: the input.
        initial_state: the states before the first step, an array or a list; zeros by default.
        mask: booleans (batch, time). Where False, the step is skipped: the states stay.
        training: whether the cell drops inputs and states.

    Shapes: sequences (batch, time, ...) -> (batch, output_size), or (batch, time, output_size)
        with `return_sequences`; with `return_state` a tuple of that and of the states.

    Raises:
        ValueError: `unroll` or `stateful` without a known time or batch size.
        RuntimeError: the cell assigns a Variable, or adds a loss, within its step.

    Example:

    >>> import cornu
    >>> class Sum(cornu.Layer):
    ...     state_size = 3
    ...
    ...     def call(self, inputs, states):
    ...         total = inputs + states[0]
    ...         return total, [total]
    >>> RNN(Sum(), return_sequences=True)(cornu.Input((None, 3))).shape
    (None, None, 3)

    Differences: the states of a stateful layer are weights that are not trained, so that they are
    saved with the model and change in compiled steps as well. Outputs of masked steps are those of
    the step before also for cells whose output is not their first state.
    """

    rowwise: bool | None = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(cell)
        self.cell = check_cell(cell, self._label())
        if not isinstance(cell, Layer):
            self.rowwise = None
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.states: States = None
        sizes = cell.state_size
        self.single_state = not isinstance(sizes, (list, tuple))
        self.state_size = [sizes] if self.single_state else list(sizes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "zero_output_for_mask": self.zero_output_for_mask}

    def build(self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None) -> None:
        batch, time, *rest = sequences_shape
        if self.unroll and time is None:
            raise ValueError(
                f"{self._label()}: unroll=True needs a known number of time steps; received an "
                f"input of shape {sequences_shape}.\n"
                "Give it to `Input`, as in Input((20, 8)), or leave `unroll` off."
            )
        build_cell(self.cell, (batch, *rest))
        if self.stateful:
            self._make_states(batch, sequences_shape)

    def _make_states(self, batch: int | None, sequences_shape: ShapeLike) -> None:
        if batch is None:
            raise ValueError(
                f"{self._label()}: stateful=True needs a known batch size; received an input of "
                f"shape {sequences_shape}.\nGive it to `Input`, as in "
                "Input((None, 8), batch_size=32)."
            )
        with jax.ensure_compile_time_eval():  # another layer's call may be traced around this
            leaves, definition = tree.flatten_with_treedef(self.get_initial_state(batch))
        variables = [
            self.add_weight(
                leaf.shape,
                lambda shape, dtype=None, leaf=leaf: leaf,
                trainable=False,
                name=f"state_{i}" if i else "state",
            )
            for i, leaf in enumerate(leaves)
        ]
        self.states = tree.unflatten(definition, variables)

    def get_initial_state(self, batch_size: int | None) -> States:
        """Returns the states before the first step, in a list."""
        states = initial_state(self.cell, batch_size, self.cell_dtype)
        return list(states) if isinstance(states, (list, tuple)) else [states]

    @property
    def cell_dtype(self) -> str:
        """The dtype in which the cell computes."""
        return (self.cell if isinstance(self.cell, Layer) else self).compute_dtype

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero."""
        for state in tree.leaves(self.states):
            if state is not None:
                state.assign(jnp.zeros(state.shape, state.dtype))

    def reset_states(self) -> None:
        """Sets the states of a stateful layer to zero; the older name of `reset_state`."""
        self.reset_state()

    def compute_mask(self, _: Any, mask: Any) -> Any:
        return first_mask(mask) if self.return_sequences else None

    def call(
        self,
        sequences: Array,
        initial_state: PyTree = None,
        mask: Array | None = None,
        training: bool = False,
    ) -> Any:
        states = self._begin(sequences, initial_state)
        if training:
            _sample_masks(self.cell, sequences[:, 0], states)
        try:
            result = self.inner_loop(sequences, states, first_mask(mask), training)
        finally:
            _reset_masks(self.cell)
        last, outputs, states = jax.tree_util.tree_map(
            lambda x: x.astype(self.compute_dtype), tuple(result)
        )
        if self.stateful:
            for variable, state in zip(tree.leaves(self.states), tree.leaves(states), strict=True):
                variable.assign(state)
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _begin(self, sequences: Array, initial_state: Any) -> States:
        """Returns the states before the first step: given, kept or initial."""
        batch = sequences.shape[0]
        if self.stateful:
            kept = tree.leaves(self.states)[0].shape[0]
            if isinstance(batch, int) and batch != kept:
                raise ValueError(
                    f"{self._label()} is stateful and was built for batches of {kept} rows; "
                    f"received {batch}.\nEach row continues the row of the batch before: all "
                    "batches must have the same size."
                )
        if initial_state is not None:
            states = initial_state
        elif self.stateful:
            states = tree.map(lambda v: v.value, self.states)
        else:
            states = self.get_initial_state(batch)
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        if len(states) != len(self.state_size):
            raise ValueError(
                f"{self._label()}: expected {len(self.state_size)} states in initial_state, "
                f"received {len(states)}.\nGive a list with one for each; an LSTM has [h, c]."
            )
        for state, size in zip(states, self.state_size, strict=True):
            if isinstance(size, int) and hasattr(state, "shape") and state.shape[-1:] != (size,):
                raise ValueError(
                    f"{self._label()}: expected initial states of shape (batch, {size}), received "
                    f"{format_shape(state)}.\nA state is as large as the layer's units."
                )
        return tree.map(lambda x: jnp.asarray(x, self.cell_dtype), states)

    def inner_loop(
        self, sequences: Array, initial_state: States, mask: Any, training: bool = False
    ) -> tuple[Any, Any, States]:
        """Repeats the cell; returns the last output, all outputs (or None) and the last states."""
        steps = jnp.swapaxes(sequences, 0, 1)
        last, outputs, states = self._loop(steps, initial_state, _time_major(mask), training)
        return last, None if outputs is None else jnp.swapaxes(outputs, 0, 1), states

    def _loop(self, steps: Array, states: States, mask: Any, training: bool) -> recurrences.Result:
        cell = self.cell
        how = {
            "mask": mask,
            "go_backwards": self.go_backwards,
            "zero_output_for_mask": self.zero_output_for_mask,
            "return_sequences": self.return_sequences,
        }
        # Shapes are the same without unrolling, and found much sooner.
        unroll = self.unroll and not scope.current().inferring_shapes
        if type(cell) not in _PROJECTING:
            step = _pure(lambda x, states: call_cell(cell, x, states, training), self._label())
            return recurrences.rnn(step, steps, states, unroll=unroll, **how)
        if cell.supports_rule(training) and not unroll:
            return cell.run_rule(steps, states, training, **how)
        x = cell.project(steps, training)
        return recurrences.rnn(
            lambda x, states: cell.advance(x, states, training), x, states, unroll=unroll, **how
        )


def _pure(step: Any, label: str) -> Any:
    """Checks that a step of a user's cell has no effects, which could not leave the loop."""

    def checked(x: Array, states: States) -> Any:
        inner = scope.Scope(scope.current())
        with scope.use_scope(inner):
            output, new = step(x, states)
        if inner.written:
            paths = ", ".join(repr(variable.path) for variable in inner.written.values())
            raise RuntimeError(
                f"{label}: the cell assigns {paths} within its step. Time steps are one compiled "
                "loop, so that the value would be lost.\nMake it one of the cell's states."
            )
        if inner.losses:
            raise RuntimeError(
                f"{label}: the cell adds a loss within its step, which cannot leave the loop.\n"
                "Regularize its weights, or the output of the recurrent layer."
            )
        return output, new

    return checked


def _sample_masks(cell: Any, x: Array, states: States) -> None:
    """Samples the dropout masks of a cell once for all time steps."""
    if isinstance(cell, DroppingCell):
        cell.get_dropout_mask(x)
        cell.get_recurrent_dropout_mask(states[0])
    elif isinstance(cell, StackedRNNCells):
        for inner, own in zip(cell.cells, states, strict=True):
            own = list(own) if isinstance(own, (list, tuple)) else [own]
            _sample_masks(inner, x, own)
            spec = jax.eval_shape(lambda x, s, c=inner: call_cell(c, x, s, False)[0], x, own)
            x = jnp.zeros(spec.shape, spec.dtype)


def _reset_masks(cell: Any) -> None:
    if isinstance(cell, DroppingCell):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
    elif isinstance(cell, StackedRNNCells):
        for inner in cell.cells:
            _reset_masks(inner)


def _time_major(mask: Any) -> Any:
    """Returns a mask (batch, time, ...) as booleans (time, batch)."""
    if mask is None:
        return None
    mask = jnp.asarray(mask).astype(bool)
    if mask.ndim > 2:  # a step counts if any of its features does
        mask = mask.any(tuple(range(2, mask.ndim)))
    return jnp.swapaxes(mask, 0, 1)
