"""Recurrent layers: cells, and loops over time in all their variants."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.conformance.table import Call, LayerRow

_MASK = np.array([[True] * 5, [True, False, True, True, False], [False, True, True, False, False]])
_NAN_FREE = {"rtol": 1e-5, "atol": 2e-6}


def _x(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape or (3, 5, 4)).astype("float32")


def _row(
    name: str,
    make: Callable[[Any], Any],
    states: int = 0,
    mask: bool = False,
    inputs: Callable[[np.random.Generator], Any] | None = None,
    **kwargs: Any,
) -> LayerRow:
    """A row with an input (3, 5, 4), initial states (3, 3) and a mask if requested."""

    def call(rng: np.random.Generator) -> Any:
        if not states:
            return _x(rng)
        given = [_x(rng, 3, 3) for _ in range(states)]
        return Call((_x(rng),), {"initial_state": given})

    return LayerRow(
        name=name,
        make=make,
        inputs=inputs or call,
        mask=(lambda rng: _MASK) if mask else None,
        **{**_NAN_FREE, **kwargs},
    )


def _cell(name: str, make: Callable[[Any], Any], states: int, **kwargs: Any) -> LayerRow:
    def inputs(rng: np.random.Generator) -> Call:
        return Call((_x(rng, 3, 4), [_x(rng, 3, 3) for _ in range(states)]))

    return LayerRow(name=name, make=make, inputs=inputs, **{**_NAN_FREE, **kwargs})


ALL = {"return_sequences": True, "return_state": True}

ROWS = [
    _cell("simple_rnn_cell", lambda k: k.layers.SimpleRNNCell(3), 1),
    _cell("lstm_cell", lambda k: k.layers.LSTMCell(3), 2),
    _cell("lstm_cell_plain", lambda k: k.layers.LSTMCell(3, None, None, use_bias=False), 2),
    _cell("gru_cell", lambda k: k.layers.GRUCell(3), 1),
    _cell("gru_cell_before", lambda k: k.layers.GRUCell(3, reset_after=False), 1),
    _cell("gru_cell_dropout", lambda k: k.layers.GRUCell(3, dropout=0.5), 1, random=True),
    LayerRow(
        "stacked_rnn_cells",
        lambda k: k.layers.StackedRNNCells([k.layers.LSTMCell(3), k.layers.GRUCell(3)]),
        lambda rng: Call(
            (_x(rng, 3, 4), [[_x(rng, 3, 3), _x(rng, 3, 3)], [_x(rng, 3, 3)]]),
        ),
        **_NAN_FREE,
    ),
    _row("simple_rnn_all", lambda k: k.layers.SimpleRNN(3, **ALL), states=1),
    _row("simple_rnn_relu", lambda k: k.layers.SimpleRNN(3, "relu", go_backwards=True, **ALL)),
    _row("simple_rnn_mask", lambda k: k.layers.SimpleRNN(3, **ALL), mask=True),
    _row("simple_rnn_dropout", lambda k: k.layers.SimpleRNN(3, dropout=0.5), random=True),
    _row("lstm", lambda k: k.layers.LSTM(3)),
    _row("lstm_all", lambda k: k.layers.LSTM(3, **ALL), states=2),
    _row("lstm_mask_all", lambda k: k.layers.LSTM(3, **ALL), mask=True),
    _row("lstm_mask_backwards", lambda k: k.layers.LSTM(3, go_backwards=True, **ALL), mask=True),
    _row("lstm_mask_zero", lambda k: k.layers.LSTM(3, zero_output_for_mask=True, **ALL), mask=True),
    _row("lstm_unroll_mask", lambda k: k.layers.LSTM(3, unroll=True, **ALL), mask=True),
    _row("lstm_plain", lambda k: k.layers.LSTM(3, use_bias=False, unit_forget_bias=False)),
    _row("lstm_hard", lambda k: k.layers.LSTM(3, "softsign", "hard_sigmoid", **ALL), states=2),
    _row("lstm_regularized", lambda k: k.layers.LSTM(3, recurrent_regularizer="l2")),
    _row(
        "lstm_activity",
        lambda k: k.layers.LSTM(3, activity_regularizer="l2", bias_constraint="non_neg"),
    ),
    _row("lstm_dropout", lambda k: k.layers.LSTM(3, dropout=0.5), random=True),
    _row("lstm_recurrent_dropout", lambda k: k.layers.LSTM(3, recurrent_dropout=0.5), random=True),
    _row("gru_all", lambda k: k.layers.GRU(3, **ALL), states=1),
    _row("gru_before", lambda k: k.layers.GRU(3, reset_after=False, **ALL), states=1),
    _row("gru_mask", lambda k: k.layers.GRU(3, **ALL), mask=True),
    _row("gru_before_mask", lambda k: k.layers.GRU(3, reset_after=False, **ALL), mask=True),
    _row("gru_hard", lambda k: k.layers.GRU(3, recurrent_activation="hard_sigmoid", **ALL)),
    _row(
        "gru_dropouts",
        lambda k: k.layers.GRU(3, dropout=0.5, recurrent_dropout=0.5, reset_after=False),
        random=True,
    ),
    _row("rnn_cell_mask", lambda k: k.layers.RNN(k.layers.GRUCell(3), **ALL), mask=True),
    _row(
        "rnn_stacked",
        lambda k: k.layers.RNN([k.layers.LSTMCell(3), k.layers.GRUCell(2)], **ALL),
        mask=True,
    ),
    _row(
        "rnn_stacked_dropout",
        lambda k: k.layers.RNN([k.layers.LSTMCell(3, dropout=0.5), k.layers.LSTMCell(2)]),
        random=True,
    ),
]
