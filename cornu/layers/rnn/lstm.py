"""LSTM: the long short-term memory layer."""

from __future__ import annotations

from typing import Any, Literal

from cornu.layers.base import keyword_arguments
from cornu.layers.rnn.cell_protocol import make_cell, mirror
from cornu.layers.rnn.cells import LSTMCell
from cornu.layers.rnn.gated_rnn import GatedRNN
from cornu.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike

__all__ = ["LSTM"]


@mirror(LSTMCell)
class LSTM(GatedRNN):
    """Long short-term memory layer.

        i, f, g, o = split(x[t] @ kernel + h[t-1] @ recurrent_kernel + bias)
        c[t] = recurrent_activation(f) * c[t-1] + recurrent_activation(i) * activation(g)
        h[t] = recurrent_activation(o) * activation(c[t])

    Args:
        units: the size of the state and of the output.
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
        dropout: the fraction of the inputs to set to zero in training, the same for all steps.
        recurrent_dropout: the fraction of the state to set to zero in training, with a separate
            mask for each gate.
        seed: the seed of the dropout.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.
        use_cudnn: `"auto"`, True or False, which are equivalent: the layer is compiled by XLA on
            all devices.
        **kwargs: `zero_output_for_mask` of `RNN`, `implementation` of the cell, and arguments of
            `Layer`.

    Call arguments: as in `RNN`; `initial_state` is [h, c].

    Shapes: x (batch, time, features) -> h (batch, units), or (batch, time, units) with
        `return_sequences`; with `return_state` a tuple of the output, h and c.

    Example:

    >>> import cornu
    >>> layer = cornu.layers.LSTM(4, return_sequences=True, return_state=True)
    >>> outputs, h, c = layer(cornu.Input((None, 8)))
    >>> outputs.shape, h.shape, c.shape
    ((None, None, 4), (None, 4), (None, 4))

    References: Sepp Hochreiter, Jürgen Schmidhuber (1997), "Long short-term memory"; Felix A. Gers,
    Jürgen Schmidhuber, Fred Cummins (2000), "Learning to forget".

    Differences: with tanh and sigmoid, the layer has a custom gradient: it supports higher-order
    reverse-mode derivatives, but not `jax.jvp`.

    Extensions: `use_cudnn=True` is accepted on devices without cuDNN.

    Note: the gates are in the order i, f, g, o (Keras calls g c). PyTorch has the same order, but
    two biases, and does not initialize the forget gate to ones. Keras 1 and 2 used `hard_sigmoid`
    for the gates.
    """

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
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Any,
    ) -> None:
        cell, arguments = make_cell(LSTMCell, "lstm_cell", keyword_arguments(locals()))
        super().__init__(cell, **arguments)
