"""GRU: the gated recurrent unit layer."""

from __future__ import annotations

from typing import Any, Literal

from cornu.layers.base import keyword_arguments
from cornu.layers.rnn.cell_protocol import make_cell, mirror
from cornu.layers.rnn.cells import GRUCell
from cornu.layers.rnn.gated_rnn import GatedRNN
from cornu.types import ActivationLike, ConstraintLike, InitializerLike, RegularizerLike

__all__ = ["GRU"]


@mirror(GRUCell)
class GRU(GatedRNN):
    """Gated recurrent unit layer.

        z, r, g = split(x[t] @ kernel + bias[0])
        z', r', g' = split(h[t-1] @ recurrent_kernel + bias[1])
        z, r = recurrent_activation(z + z'), recurrent_activation(r + r')
        h[t] = z * h[t-1] + (1 - z) * activation(g + r * g')

    With `reset_after=False`, g' is instead `(r * h[t-1]) @ recurrent_kernel`, and the bias has one
    row only.

    Args:
        units: the size of the state and of the output.
        activation: the activation of the candidate state; None is the identity.
        recurrent_activation: the activation of the gates; None is the identity.
        use_bias: whether to add biases.
        kernel_initializer, recurrent_initializer, bias_initializer: initializers of the weights.
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
        reset_after: whether the reset gate is applied after the product with the recurrent kernel
            (True) or before it (False).
        use_cudnn: `"auto"`, True or False, which are equivalent: the layer is compiled by XLA on
            all devices.
        **kwargs: `zero_output_for_mask` of `RNN`, `implementation` of the cell, and arguments of
            `Layer`.

    Call arguments: as in `RNN`; `initial_state` is h, alone or in a list.

    Shapes: x (batch, time, features) -> h (batch, units), or (batch, time, units) with
        `return_sequences`; with `return_state` a tuple of the output and h.

    Example:

    >>> import cornu
    >>> cornu.layers.GRU(4)(cornu.Input((None, 8))).shape
    (None, 4)

    References: Kyunghyun Cho et al. (2014), "Learning phrase representations using RNN
    encoder-decoder for statistical machine translation".

    Differences: with tanh, sigmoid and `reset_after`, the layer has a custom gradient: it supports
    higher-order reverse-mode derivatives, but not `jax.jvp`.

    Extensions: `use_cudnn=True` is accepted on devices without cuDNN.

    Note: the paper and Keras 1 and 2 apply the reset gate before the product.
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
        reset_after: bool = True,
        use_cudnn: bool | Literal["auto"] = "auto",
        **kwargs: Any,
    ) -> None:
        cell, arguments = make_cell(GRUCell, "gru_cell", keyword_arguments(locals()))
        super().__init__(cell, **arguments)
