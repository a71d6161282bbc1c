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


# A convolutional layer is called on images of these sizes, in sequences of three.
_SIZES = (5, 4, 3)
_CONV_MASK = np.array([[True, False, True], [False, True, False]])


def _conv(name: str, rank: int, mask: bool = False, **options: Any) -> LayerRow:
    """A row of a convolutional LSTM layer with `rank` spatial axes."""
    sizes = _SIZES[:rank]
    first = options.get("data_format") == "channels_first"
    shape = (2, 3, 2, *sizes) if first else (2, 3, *sizes, 2)
    arguments = {"filters": 2, "kernel_size": 2, **options}
    return LayerRow(
        f"conv_lstm{rank}d_{name}",
        lambda k: getattr(k.layers, f"ConvLSTM{rank}D")(**arguments),
        lambda rng: _x(rng, *shape),
        mask=(lambda rng: _CONV_MASK) if mask else None,
        random="dropout" in options or "recurrent_dropout" in options,
        **_NAN_FREE,
    )


# Without `unroll`, Keras fails on a mask: tests/layers/rnn/test_conv_lstm.py.
CONV_ROWS = [
    _conv("all", 2, padding="same", **ALL),
    _conv("plain", 1),
    _conv("mask", 1, mask=True, unroll=True, go_backwards=True, **ALL),
    _conv("dilated", 1, dilation_rate=2, use_bias=False, return_sequences=True),
    _conv("hard", 2, activation="relu", recurrent_activation="hard_sigmoid", **ALL),
    _conv("strides", 2, strides=(2, 1), padding="same", unit_forget_bias=False),
    _conv("channels_first", 2, data_format="channels_first", kernel_size=(2, 3), **ALL),
    _conv("unroll", 2, unroll=True, go_backwards=True, **ALL),
    _conv("regularized", 2, recurrent_regularizer="l2", activity_regularizer="l2"),
    _conv("constrained", 2, kernel_constraint="non_neg", bias_regularizer="l1"),
    _conv("dropout", 2, dropout=0.5),
    _conv("recurrent_dropout", 2, recurrent_dropout=0.5, data_format="channels_first"),
    _conv("all", 3, padding="same", **ALL),
    _conv("channels_first", 3, data_format="channels_first"),
    LayerRow(
        "bidirectional_conv_lstm",
        lambda k: k.layers.Bidirectional(k.layers.ConvLSTM1D(2, 2, **ALL)),
        lambda rng: _x(rng, 2, 3, 5, 2),
        **_NAN_FREE,
    ),
]

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
    *CONV_ROWS,
    _row(
        "rnn_stacked_dropout",
        lambda k: k.layers.RNN([k.layers.LSTMCell(3, dropout=0.5), k.layers.LSTMCell(2)]),
        random=True,
    ),
]
