"""What the classes `Recurrent` of Keras 1 and Keras 2 share: the steps and the stored states."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from cornu.core.state.variable import Variable

__all__ = ["find_batch_size", "run_steps"]


def find_batch_size(layer: Any) -> int:
    """Returns the number of rows of the states of a stateful layer.

    Args:
        layer: the layer, which has been built.

    Raises:
        ValueError: the size of a batch is not known.
    """
    rows = layer.input_spec[0].shape[0] if layer.stateful else None
    if rows is None:
        raise ValueError(
            f"{layer._label_()}: states of a stateful layer need the size of a batch.\n"
            "Pass batch_input_shape=(rows, steps, features) to the first layer."
        )
    return int(rows)


def run_steps(
    layer: Any,
    rnn: Callable[..., Any],
    sequence: Any,
    length: int | None,
    states: Sequence[Any],
    constants: Sequence[Any],
    mask: Any,
) -> tuple[Any, list[Any]]:
    """Computes all steps; returns the last output or those of all steps, and the last states.

    A stateful layer stores the states.

    Args:
        layer: the layer, whose `step` is called.
        rnn: `K.rnn` of the version.
        sequence: the result of `preprocess_input`.
        length: the number of steps, if it is known.
        states: the states before the first step, arrays or Variables.
        constants: the result of `get_constants`.
        mask: an array (samples, time) or None.
    """
    last, outputs, found = rnn(
        layer.step,
        sequence,
        [state.value if isinstance(state, Variable) else state for state in states],
        go_backwards=layer.go_backwards,
        mask=mask,
        constants=constants,
        unroll=layer.unroll,
        input_length=length,
    )
    if layer.stateful:
        for variable, value in zip(layer.states, found, strict=True):
            variable.assign(value)
    return outputs if layer.return_sequences else last, list(found)
