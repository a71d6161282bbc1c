"""`Recurrent` of Keras 1: the base class of recurrent layers that are defined by one step."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from cornu import layers as modern
from cornu import ops
from cornu.dialects.keras1 import backend
from cornu.dialects.keras1.layers import InputSpec, Layer
from cornu.dialects.subclasses.recurrent_steps import find_batch_size, run_steps

__all__ = ["Recurrent", "time_distributed_dense"]

_K = backend.FUNCTIONS
_COMPUTATIONS = ("cpu", "mem", "gpu")


def time_distributed_dense(
    x: Any,
    w: Any,
    b: Any = None,
    dropout: float | None = None,
    input_dim: int | None = None,
    output_dim: int | None = None,
    timesteps: int | None = None,
) -> Any:
    """Computes `x @ w + b` for each time step; `dropout` applies to the features in training."""
    if dropout:
        ones = _K["ones_like"](x[:, :1])
        x = x * _K["in_train_phase"](_K["dropout"](ones, dropout), ones)
    y = _K["dot"](x, w)
    return y if b is None else y + b


class Recurrent(Layer):
    """Base class of layers that are defined by one step.

    A subclass sets `output_dim`, creates weights and sets `states` in `build` (a list with None for
    each state), and defines `step(x, states)`, which returns the output and the new states.

    Args:
        weights: the initial weights.
        return_sequences: whether to return the outputs of all steps.
        go_backwards: whether the steps are in reverse order.
        stateful: whether a batch begins with the states at the end of the last batch.
        unroll: whether each step is compiled separately.
        consume_less: "cpu" multiplies the inputs of all steps by the weights at once, "mem" those
            of one step, "gpu" with one matrix for all gates.
        input_dim, input_length: the shape of the input.
        **kwargs: those of `Layer`.
    """

    stands_for: ClassVar[type] = modern.RNN

    output_dim: int
    states: list[Any]

    def __init__(
        self,
        weights: Any = None,
        return_sequences: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        consume_less: str = "cpu",
        input_dim: int | None = None,
        input_length: int | None = None,
        **kwargs: Any,
    ) -> None:
        if input_dim:
            kwargs["input_shape"] = (input_length, input_dim)
        super().__init__(**kwargs)
        if consume_less not in _COMPUTATIONS:
            raise ValueError(
                f"consume_less must be in {', '.join(_COMPUTATIONS)}. Received: {consume_less!r}"
            )
        self.return_sequences = return_sequences
        self.return_state = False
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.consume_less = consume_less
        self.initial_weights = weights
        self.input_dim = input_dim
        self.input_length = input_length
        self.supports_masking = True
        self.input_spec = [InputSpec(ndim=3)]

    def step(self, x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
        """Returns the output and the new states; `states` ends with the constants.

        Args:
            x: a step of the result of `preprocess_input`.
            states: the states, then the values of `get_constants`.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step(self, x, states)`.")

    def get_constants(self, x: Any) -> list[Any]:
        """Returns values that each step receives after the states.

        Args:
            x: the inputs of the layer.
        """
        return []

    def get_initial_states(self, x: Any) -> list[Any]:
        """Returns the states before the first step: zeros.

        Args:
            x: the inputs of the layer.
        """
        zeros = ops.zeros((x.shape[0], self.output_dim), dtype=x.dtype)
        return [zeros] * len(self.states)

    def preprocess_input(self, x: Any) -> Any:
        """Returns the sequence of which `step` receives the steps.

        Args:
            x: the inputs of the layer.
        """
        return x

    def reset_states(self) -> None:
        """Sets the states to zero; creates them at first.

        Raises:
            ValueError: the size of a batch is not known.
        """
        zeros = np.zeros((find_batch_size(self), self.output_dim), "float32")
        if "states" not in vars(self):
            self.states = [_K["variable"](zeros) for _ in range(self._count_of_states)]
            return
        for state in self.states:
            state.assign(zeros)

    # The number of states that `reset_states` creates.
    _count_of_states: ClassVar[int] = 1

    def reset_state(self) -> None:
        """Sets the states to zero, as `reset_states`."""
        self.reset_states()

    def _prepare_states(self) -> None:
        """Creates the states of a stateful layer in `build`; of others, their number counts."""
        if self.stateful:
            self.reset_states()
        else:
            self.states = [None] * self._count_of_states

    def _finish_build(self) -> None:
        """Sets the initial weights, at the end of `build`."""
        if self.initial_weights is not None:
            self.set_weights(self.initial_weights)
            del self.initial_weights
        self.built = True

    def call(self, x: Any, mask: Any = None) -> Any:
        """Returns the last output, or those of all steps with `return_sequences`.

        Args:
            x: an array (samples, time, features).
            mask: an array (samples, time) or None.
        """
        states = list(self.states) if self.stateful else self.get_initial_states(x)
        constants = self.get_constants(x)
        sequence = self.preprocess_input(x)
        return run_steps(self, _K["rnn"], sequence, x.shape[1], states, constants, mask)[0]

    def compute_mask(self, x: Any, mask: Any = None) -> Any:
        """Returns the mask of the inputs with `return_sequences`, else None."""
        return mask if self.return_sequences else None
