"""RNN: the base class of recurrent layers, which applies a cell to each time step."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from cornu import tree
from cornu.core.graph.tensor import format_shape
from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.errors import quantity
from cornu.layers.rnn.cell_protocol import (
    DroppingCell,
    ProjectingCell,
    build_cell,
    call_cell,
    check_cell,
    first_mask,
    initial_state,
)
from cornu.layers.rnn.cells import StackedRNNCells
from cornu.names import is_library_class
from cornu.ops.nn import rnn as recurrences
from cornu.types import Array, PyTree, ShapeLike

__all__ = ["RNN"]

States = Any  # a list of arrays (batch, ...), or of lists of arrays for stacked cells


class RNN(Layer):
    """Recurrent layer: applies a cell to each time step of a sequence.

        outputs[t], states = cell(sequences[:, t], states)

    A cell has a method `call(inputs, states)`, optionally with an argument `training`, that returns
    the output and the new states. It has an attribute `state_size`, an integer or a list with one
    integer per state. An attribute `output_size` and a method `get_initial_state(batch_size)` are
    optional. A cell that is a layer is built and trained together with this layer.

    Args:
        cell: a cell, or a list of cells to be stacked.
        return_sequences: whether to return the outputs of all time steps, or only the last output.
        return_state: whether to return the last states as well.
        go_backwards: whether to process the sequence in reverse. The outputs are in the order of
            processing.
        stateful: whether the last state of each row of a batch is the initial state of the same row
            of the next batch.
        unroll: whether to unroll the loop over time. This is slower to compile, and sometimes
            faster for short sequences.
        zero_output_for_mask: whether, with `return_sequences`, the output is zero at masked steps,
            instead of repeating the previous output.
        **kwargs: passed to `Layer`.

    Call arguments:
        sequences: the input sequences.
        initial_state: the initial states, an array or a list of arrays; by default those of the
            cell, usually zeros.
        mask: a boolean array (batch, time). Steps where it is False are skipped: they do not change
            the states.
        training: whether the cell applies dropout.

    Shapes: sequences (batch, time, ...) -> (batch, output_size), or (batch, time, output_size)
        with `return_sequences`; with `return_state` a tuple of the output and the states.

    Raises:
        ValueError: `unroll` without a known number of time steps, or `stateful` without a known
            batch size.
        RuntimeError: the cell assigns a Variable or adds a loss in its step.

    Example:

    >>> import cornu
    >>> class Sum(cornu.Layer):
    ...     state_size = 3
    ...
    ...     def call(self, inputs, states):
    ...         total = inputs + states[0]
    ...         return total, [total]
    >>> cornu.layers.RNN(Sum(), return_sequences=True)(cornu.Input((None, 3))).shape
    (None, None, 3)

    Differences: the states of a stateful layer are non-trainable weights: they are saved with the
    model, and are updated in compiled steps. At masked steps, the previous output is repeated, also
    for cells whose output is not their first state.

    Fixes: the last output is always that of the last unmasked step; with `zero_output_for_mask` it
    is zero in Keras if the last step is masked, although `zero_output_for_mask` is documented to
    matter only with `return_sequences`.
    """

    _rowwise_: bool | None = True

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
        self.cell = check_cell(cell, self._label_())
        # Such a cell declares nothing, and may mix the rows of a batch.
        if not isinstance(cell, Layer):
            self._rowwise_ = None
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
        """Returns the constructor arguments."""
        return {**super().get_config(), "zero_output_for_mask": self.zero_output_for_mask}

    def build(self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None) -> None:
        """Builds the cell, and creates the states of a stateful layer.

        Args:
            sequences_shape: the shape (batch, time, ...) of the sequences, with None for unknown
                sizes.
            initial_state_shape: has no effect.
        """
        batch, time, *rest = sequences_shape
        if self.unroll and time is None:
            raise ValueError(
                f"{self._label_()}: unroll=True requires a known number of time steps; received "
                f"an input of shape {sequences_shape}.\n"
                "Specify it in `Input`, as in Input((20, 8)), or set unroll=False."
            )
        build_cell(self.cell, (batch, *rest))
        if self.stateful:
            self._add_state_variables(batch, sequences_shape)

    def _add_state_variables(self, batch: int | None, sequences_shape: ShapeLike) -> None:
        if batch is None:
            raise ValueError(
                f"{self._label_()}: stateful=True requires a known batch size; received an input "
                f"of shape {sequences_shape}.\nSpecify it in `Input`, as in "
                "Input((None, 8), batch_size=32)."
            )
        with jax.ensure_compile_time_eval():  # the call of an outer layer may be traced
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
        """Returns the initial states, in a list.

        Args:
            batch_size: the number of sequences.
        """
        states = initial_state(self.cell, batch_size, self.cell_dtype)
        return list(states) if isinstance(states, (list, tuple)) else [states]

    @property
    def cell_dtype(self) -> str:
        """The compute dtype of the cell."""
        return (self.cell if isinstance(self.cell, Layer) else self).compute_dtype

    def reset_state(self) -> None:
        """Sets the states of a stateful layer to zero."""
        for state in tree.leaves(self.states):
            if state is not None:
                # As in Keras, to zero, whatever initial states the cell defines.
                state.assign(jnp.zeros(state.shape, state.dtype))

    def reset_states(self) -> None:
        """Sets the states of a stateful layer to zero; the older name of `reset_state`."""
        self.reset_state()

    def compute_mask(self, _: Any, mask: Any) -> Any:
        """Returns the mask of the sequence with `return_sequences`, else None."""
        return first_mask(mask) if self.return_sequences else None

    def compute_output_shape(
        self, sequences_shape: ShapeLike, initial_state_shape: PyTree = None
    ) -> PyTree:
        """Returns the shape of the output, and the shapes of the states with `return_state`.

        Args:
            sequences_shape: the shape (batch, time, ...) of the sequences, with None for unknown
                sizes.
            initial_state_shape: the shapes of initial states; None if none are passed.
        """
        return super().compute_output_shape(sequences_shape, initial_state_shape)

    def call(
        self,
        sequences: Array,
        initial_state: PyTree = None,
        mask: Array | None = None,
        training: bool = False,
    ) -> Any:
        """Returns the output, and the states with `return_state`."""
        states = self._resolve_initial_state(sequences, initial_state)
        if training:
            # Before the loop: a value that is traced within it could not be used in the other
            # steps.
            _sample_masks(self.cell, sequences[:, 0], states)
        try:
            # The masks may be tracers, which must not outlive this trace.
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

    def _resolve_initial_state(self, sequences: Array, initial_state: Any) -> States:
        """Returns the initial states: those passed, those of the last batch, or the cell's own."""
        batch = sequences.shape[0]
        if self.stateful:
            built_batch = tree.leaves(self.states)[0].shape[0]
            if isinstance(batch, int) and batch != built_batch:
                raise ValueError(
                    f"{self._label_()} is stateful and was built for the batch size {built_batch}; "
                    f"received {batch}.\nAll batches must have the same size, because each row "
                    "continues the same row of the previous batch."
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
                f"{self._label_()}: expected {quantity(len(self.state_size), 'state')} in "
                f"initial_state, received {len(states)}.\n"
                f"Pass a list of all states, such as [h, c] for an LSTM."
            )
        for state, size in zip(states, self.state_size, strict=True):
            if isinstance(size, int) and hasattr(state, "shape") and state.shape[-1:] != (size,):
                raise ValueError(
                    f"{self._label_()}: expected initial states of shape (batch, {size}), received "
                    f"{format_shape(state)}.\nThe size of a state is the number of units."
                )
        return tree.map(lambda x: jnp.asarray(x, self.cell_dtype), states)

    def inner_loop(
        self, sequences: Array, initial_state: States, mask: Any, training: bool = False
    ) -> tuple[Any, Any, States]:
        """Applies the cell to all time steps.

        Args:
            sequences: the inputs (batch, time, ...).
            initial_state: the states before the first step.
            mask: False for steps to skip, (batch, time); or None.
            training: whether the cell is in training.

        Returns:
            The last output, all outputs (None without `return_sequences`), and the last states.
        """
        # `lax.scan` iterates over the first axis.
        steps = jnp.swapaxes(sequences, 0, 1)
        if jnp.issubdtype(steps.dtype, jnp.floating):
            steps = steps.astype(self.cell_dtype)  # as a call of the cell would
        last, outputs, states = self._loop(steps, initial_state, _time_major(mask), training)
        return last, None if outputs is None else jnp.swapaxes(outputs, 0, 1), states

    def _loop(self, steps: Array, states: States, mask: Any, training: bool) -> recurrences.Result:
        cell = self.cell
        options = {
            "mask": mask,
            "go_backwards": self.go_backwards,
            # Zeros separate the masked steps of a sequence; one output has no masked steps.
            "zero_output_for_mask": self.zero_output_for_mask and self.return_sequences,
            "return_sequences": self.return_sequences,
        }
        # Unrolling does not change shapes, and tracing every step would slow down their inference.
        unroll = self.unroll and not scope.current().inferring_shapes
        if not _projects(cell):
            step = _check_no_effects(
                lambda x, states: call_cell(cell, x, states, training), self._label_()
            )
            return recurrences.rnn(step, steps, states, unroll=unroll, **options)
        if cell.supports_rule(training) and not unroll:
            result: recurrences.Result = cell.run_rule(steps, states, training, **options)
            return result
        x = cell.project(steps, training)
        return recurrences.rnn(
            lambda x, states: cell.advance(x, states, training), x, states, unroll=unroll, **options
        )


def _projects(cell: Any) -> bool:
    """Tells whether the inputs of a cell can be projected for all time steps at once."""
    # Subclasses of programs may override the computation.
    return isinstance(cell, ProjectingCell) and is_library_class(type(cell))


def _check_no_effects(step: Any, label: str) -> Any:
    """Wraps the step of a user-defined cell to raise if it assigns a Variable or adds a loss.

    Such values would be traced inside the compiled loop, and cannot be used outside of it.
    """

    def checked(x: Array, states: States) -> Any:
        inner = scope.Scope(scope.current())
        with scope.use_scope(inner):
            output, new = step(x, states)
        if inner.written:
            paths = ", ".join(repr(variable.path) for variable in inner.written.values())
            raise RuntimeError(
                f"{label}: the cell assigns {paths} in its step. The value would be lost, because "
                "all time steps are one compiled loop.\nMake it a state of the cell."
            )
        if inner.losses:
            raise RuntimeError(
                f"{label}: the cell adds a loss in its step, which is not supported, because all "
                "time steps are one compiled loop.\nRegularize its weights, or the output of the "
                "recurrent layer."
            )
        return output, new

    return checked


def _sample_masks(cell: Any, x: Array, states: States) -> None:
    """Samples the dropout masks of a cell, to be used in all time steps."""
    if isinstance(cell, DroppingCell):
        cell.get_dropout_mask(x)
        cell.get_recurrent_dropout_mask(states[0])
    elif isinstance(cell, StackedRNNCells):
        for inner, own in zip(cell.cells, states, strict=True):
            own = list(own) if isinstance(own, (list, tuple)) else [own]
            _sample_masks(inner, x, own)
            # The masks of the next cell have the shape of this cell's output.
            spec = jax.eval_shape(lambda x, s, c=inner: call_cell(c, x, s, False)[0], x, own)
            x = jnp.zeros(spec.shape, spec.dtype)


def _reset_masks(cell: Any) -> None:
    """Discards the dropout masks of a cell."""
    if isinstance(cell, DroppingCell):
        cell.reset_dropout_mask()
        cell.reset_recurrent_dropout_mask()
    elif isinstance(cell, StackedRNNCells):
        for inner in cell.cells:
            _reset_masks(inner)


def _time_major(mask: Any) -> Any:
    """Converts a mask (batch, time, ...) to a boolean array (time, batch)."""
    if mask is None:
        return None
    mask = jnp.asarray(mask).astype(bool)
    if mask.ndim > 2:  # a step is masked only if all its features are
        mask = mask.any(tuple(range(2, mask.ndim)))
    return jnp.swapaxes(mask, 0, 1)
