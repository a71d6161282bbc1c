"""SimpleRNN: a fully connected recurrent layer."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.input_spec import InputSpec
from cornu.layers.arguments import SEQUENCE_HINT
from cornu.layers.base import keyword_arguments
from cornu.layers.rnn.cell_protocol import make_cell, mirror
from cornu.layers.rnn.cells import SimpleRNNCell
from cornu.layers.rnn.rnn import RNN
from cornu.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike

__all__ = ["SimpleRNN"]


@mirror(SimpleRNNCell)
class SimpleRNN(RNN):
    """Fully connected recurrent layer, whose output is fed back as the next state.

        h[t] = activation(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)

    Args:
        units: the size of the state and of the output.
        activation: the activation function; None is the identity.
        use_bias: whether to add a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: penalties on the weights, added
            to the loss.
        activity_regularizer: penalty on the output, added to the loss.
        kernel_constraint, recurrent_constraint, bias_constraint: projections of the weights,
            applied after each training step.
        dropout: the fraction of the inputs to set to zero in training, the same for all steps.
        recurrent_dropout: the fraction of the state to set to zero in training.
        seed: the seed of the dropout.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.
        **kwargs: `zero_output_for_mask` of `RNN`, and arguments of `Layer`.

    Call arguments: as in `RNN`; `initial_state` is h, alone or in a list.

    Shapes: x (batch, time, features) -> (batch, units), or (batch, time, units) with
        `return_sequences`; with `return_state` a tuple of the output and h.

    Example:

    >>> import cornu
    >>> cornu.layers.SimpleRNN(4, return_sequences=True)(cornu.Input((None, 8))).shape
    (None, None, 4)

    References: Jeffrey L. Elman (1990), "Finding structure in time".

    Fixes: `activity_regularizer` is applied to the outputs; Keras 3.15 ignores it.
    """

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
        activity_regularizer: RegularizerLike | None = None,
        kernel_constraint: ConstraintLike | None = None,
        recurrent_constraint: ConstraintLike | None = None,
        bias_constraint: ConstraintLike | None = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell, arguments = make_cell(SimpleRNNCell, "simple_rnn_cell", keyword_arguments(locals()))
        super().__init__(cell, **arguments)
        self.input_spec = InputSpec(ndim=3, hint=SEQUENCE_HINT)
