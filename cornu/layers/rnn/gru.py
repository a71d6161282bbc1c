"""GRU: gated recurrent units."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.input_spec import InputSpec
from cornu.layers.arguments import STEPS
from cornu.layers.rnn.cell_protocol import mirror
from cornu.layers.rnn.cells import GRUCell
from cornu.layers.rnn.rnn import RNN

__all__ = ["GRU"]


@mirror(
    "units",
    "activation",
    "recurrent_activation",
    "use_bias",
    "kernel_initializer",
    "recurrent_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "recurrent_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "recurrent_constraint",
    "bias_constraint",
    "dropout",
    "recurrent_dropout",
    "reset_after",
)
class GRU(RNN):
    """Computes a network of gated recurrent units.

        z, r, g = split(x[t] @ kernel + bias[0])
        z', r', g' = split(h[t-1] @ recurrent_kernel + bias[1])
        z, r = recurrent_activation(z + z'), recurrent_activation(r + r')
        h[t] = z * h[t-1] + (1 - z) * activation(g + r * g')

    With `reset_after=False`, g' is instead `(r * h[t-1]) @ recurrent_kernel`, and the bias has one
    row only.

    Args:
        units: size of the state and of the output.
        activation: of the candidate; `None` for the identity.
        recurrent_activation: of the gates; `None` for the identity.
        use_bias: whether biases are added.
        kernel_initializer, recurrent_initializer, bias_initializer: of the weights.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: of the weights.
        activity_regularizer: of the output.
        kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout: fraction of the inputs that is set to zero in training, the same for all steps.
        recurrent_dropout: fraction of the state that is set to zero in training, by a mask of
            its own for each gate.
        seed: seed of the dropout.
        return_sequences, return_state, go_backwards, stateful, unroll: as in `RNN`.
        reset_after: whether the reset gate acts after the product with the recurrent kernel.
        use_cudnn: `"auto"` or False. There is one implementation, which XLA compiles for every
            device; True asks for another and is an error.
        **kwargs: of `Layer`, and `zero_output_for_mask` of `RNN`.

    Call arguments: as in `RNN`; `initial_state` is h, alone or in a list.

    Shapes: x (batch, time, features) -> h (batch, units), or (batch, time, units) with
        `return_sequences`; with `return_state` a tuple of that and h.

    Example:

    >>> import cornu
    >>> GRU(4)(cornu.Input((None, 8))).shape
    (None, 4)

    References: Kyunghyun Cho et al. (2014), "Learning phrase representations using RNN
    encoder-decoder for statistical machine translation".

    Differences: the paper resets before the product, as did Keras 1 and 2. With tanh, sigmoid and
    `reset_after`, gradients are written by hand: they can be differentiated again, but not by
    `jax.jvp`.
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: Any = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            reset_after=reset_after,
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="gru_cell",
        )
        super().__init__(
            cell,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            activity_regularizer=activity_regularizer,
            **kwargs,
        )
        self.input_spec = InputSpec(ndim=3, hint=STEPS)
        if use_cudnn not in ("auto", False):
            raise ValueError(
                f"{self._label()}: use_cudnn must be 'auto' or False: the layer is compiled by "
                f"XLA, not taken from cuDNN. Received: {use_cudnn!r}"
            )
        self.use_cudnn = use_cudnn
