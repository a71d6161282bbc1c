"""`Recurrent` of Keras 2: the base class of recurrent layers that are defined by one step."""

from __future__ import annotations

import types
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from cornu import layers as modern
from cornu import ops
from cornu.core.state.variable import Variable
from cornu.dialects.keras2.implementation import backend
from cornu.dialects.keras2.implementation.base_layer import InputSpec, Layer
from cornu.dialects.subclasses.recurrent_steps import find_batch_size, run_steps

__all__ = ["make_recurrent"]

_K = backend.FUNCTIONS


class _Recurrent(Layer):
    """Base class of layers that are defined by one step; new layers are written as cells of `RNN`.

    A subclass sets `units`, creates weights and sets `states` in `build` (a list with None for each
    state), and defines `step(inputs, states)`, which returns the output and the new states.

    Args:
        return_sequences: whether to return the outputs of all steps.
        return_state: whether to return the last states as well.
        go_backwards: whether the steps are in reverse order.
        stateful: whether a batch begins with the states at the end of the last batch.
        unroll: whether each step is compiled separately.
        implementation: not used by the base class.
        **kwargs: those of `Layer`.
    """

    stands_for: ClassVar[type] = modern.RNN

    units: int
    states: list[Any]

    def __init__(
        self,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        implementation: int = 0,
        **kwargs: Any,
    ) -> None:
        size, length = kwargs.pop("input_dim", None), kwargs.pop("input_length", None)
        if size is not None:
            kwargs["input_shape"] = (length, size)
        super().__init__(**kwargs)
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.implementation = implementation
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=3)]
        self.state_spec: Any = None
        self.dropout = self.recurrent_dropout = 0.0

    def step(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the new states; `states` ends with the constants.

        Args:
            inputs: a step of the result of `preprocess_input`.
            states: the states, then the values of `get_constants`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step(self, x, states)`.")

    def get_constants(self, inputs: Any, training: Any = None) -> list[Any]:
        """Returns values that each step receives after the states.

        Args:
            inputs: the inputs of the layer.
            training: None.
        """
        return []

    def get_initial_state(self, inputs: Any) -> list[Any]:
        """Returns the states before the first step: zeros.

        Args:
            inputs: the inputs of the layer.
        """
        zeros = ops.zeros((inputs.shape[0], self.units), dtype=inputs.dtype)
        return [zeros] * len(self.states)

    def preprocess_input(self, inputs: Any, training: Any = None) -> Any:
        """Returns the sequence of which `step` receives the steps.

        Args:
            inputs: the inputs of the layer.
            training: None.
        """
        return inputs

    def reset_states(self, states: Sequence[Any] | None = None) -> None:
        """Sets the states of a stateful layer: to zero, or to the given arrays.

        Args:
            states: an array for each state.

        Raises:
            ValueError: the size of a batch is not known.
        """
        zeros = np.zeros((find_batch_size(self), self.units), "float32")
        if not isinstance(self.states[0], Variable):
            self.states = [_K["variable"](zeros) for _ in self.states]
        for i, state in enumerate(self.states):
            state.assign(zeros if states is None else states[i])

    def reset_state(self) -> None:
        """Sets the states to zero."""
        self.reset_states()

    def call(
        self, inputs: Any, mask: Any = None, training: Any = None, initial_state: Any = None
    ) -> Any:
        """Returns the last output, or those of all steps, and the states with `return_state`.

        Args:
            inputs: an array (samples, time, features), or a list of it and the initial states.
            mask: an array (samples, time) or None.
            training: not used.
            initial_state: a list of arrays.
        """
        if isinstance(inputs, (list, tuple)):
            inputs, *initial_state = inputs
        if isinstance(mask, (list, tuple)):
            mask = mask[0]
        if initial_state is None:
            initial_state = self.states if self.stateful else self.get_initial_state(inputs)
        constants = self.get_constants(inputs, training=None)
        sequence = self.preprocess_input(inputs, training=None)
        output, states = run_steps(
            self, _K["rnn"], sequence, inputs.shape[1], initial_state, constants, mask
        )
        return [output, *states] if self.return_state else output

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Returns the mask of the inputs with `return_sequences`, else None."""
        first = mask[0] if isinstance(mask, (list, tuple)) else mask
        found = first if self.return_sequences else None
        return [found, *(None for _ in self.states)] if self.return_state else found


def make_recurrent(base: type[Layer]) -> type:
    """Returns the class of a version, for its base class of layers."""
    body = {"__doc__": _Recurrent.__doc__, "__module__": __name__}
    return types.new_class("Recurrent", (_Recurrent, base), exec_body=lambda ns: ns.update(body))
