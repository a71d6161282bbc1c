"""Layers that apply another layer to each time step, or in both directions of time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.conformance.table import Call, LayerRow

_MASK = np.array([[True] * 5, [True, False, True, True, False], [False, True, True, False, False]])


def _x(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.normal(size=shape or (3, 5, 4)).astype("float32")


def _row(
    name: str,
    make: Callable[[Any], Any],
    inputs: Callable[[np.random.Generator], Any] = _x,
    mask: bool = False,
    **kwargs: Any,
) -> LayerRow:
    return LayerRow(
        name=name,
        make=make,
        inputs=inputs,
        mask=(lambda rng: _MASK) if mask else None,
        atol=2e-6,
        **kwargs,
    )


def _both(name: str, mode: str | None, layer: str, states: int = 0, **kwargs: Any) -> LayerRow:
    mask = kwargs.pop("mask", False)

    def inputs(rng: np.random.Generator) -> Any:
        if not states:
            return _x(rng)
        return Call((_x(rng),), {"initial_state": [_x(rng, 3, 2) for _ in range(states)]})

    return _row(
        f"bidirectional_{name}",
        lambda k: k.layers.Bidirectional(getattr(k.layers, layer)(2, **kwargs), mode),
        inputs,
        mask,
    )


ALL = {"return_sequences": True, "return_state": True}

ROWS = [
    _row("time_distributed_dense", lambda k: k.layers.TimeDistributed(k.layers.Dense(3))),
    _row(
        "time_distributed_mask",
        lambda k: k.layers.TimeDistributed(k.layers.Dense(3, activation="tanh")),
        mask=True,
    ),
    _row(
        "time_distributed_conv",
        lambda k: k.layers.TimeDistributed(k.layers.Conv2D(2, 3)),
        lambda rng: _x(rng, 2, 3, 5, 4, 2),
        rtol=1e-4,
    ),
    _row(
        "time_distributed_lstm",
        lambda k: k.layers.TimeDistributed(k.layers.LSTM(2)),
        lambda rng: _x(rng, 2, 3, 4, 2),
    ),
    _row(
        "time_distributed_statistics",
        lambda k: k.layers.TimeDistributed(k.layers.BatchNormalization()),
        rtol=1e-4,
        skip={"rowwise": "rows meet in training"},
    ),
    _row(
        "time_distributed_dropout",
        lambda k: k.layers.TimeDistributed(k.layers.Dropout(0.5)),
        random=True,
    ),
    _both("lstm", "concat", "LSTM"),
    _both("gru_sum", "sum", "GRU", **ALL),
    _both("simple_rnn_mul", "mul", "SimpleRNN", return_sequences=True),
    _both("lstm_ave", "ave", "LSTM", states=4, **ALL),
    _both("lstm_pair", None, "LSTM", states=4, return_state=True),
    _both("lstm_pair_all", None, "LSTM", **ALL),
    _both("lstm_mask", "concat", "LSTM", mask=True, return_sequences=True),
    _both("gru_mask_last", "sum", "GRU", mask=True),
    _row(
        "bidirectional_own_backward",
        lambda k: k.layers.Bidirectional(
            k.layers.LSTM(2), backward_layer=k.layers.GRU(3, go_backwards=True)
        ),
    ),
    _row(
        "bidirectional_cells",
        lambda k: k.layers.Bidirectional(k.layers.RNN(k.layers.LSTMCell(2), **ALL)),
    ),
    _row(
        "bidirectional_dropout",
        lambda k: k.layers.Bidirectional(k.layers.LSTM(2, dropout=0.3, recurrent_dropout=0.3)),
        random=True,
    ),
]
