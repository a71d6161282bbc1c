"""Preprocessing layers of numbers; layers of strings have no symbolic form.

All of them against Keras, with adapting: tests/layers/preprocessing/test_golden.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.conformance.table import Call, LayerRow

_TABLE = np.random.default_rng(1).normal(2.0, 3.0, (50, 3)).astype("float32")
_HOSTED = (
    "Keras asks TensorFlow, which JAX cannot compile; tests/layers/preprocessing/test_golden.py"
)
_STATISTICS = "Keras uses copies of the weights, made by adapt(); test_golden.py compares"


def _integers(low: int, high: int, *shape: int) -> Any:
    return lambda rng: rng.integers(low, high, size=shape).astype("int32")


def _adapted(layer: Any) -> Any:
    layer.adapt(_TABLE)
    return layer


def _row(name: str, make: Any, inputs: Any, *skipped: str, why: str = _HOSTED) -> LayerRow:
    skip = dict.fromkeys(skipped, why)
    return LayerRow(name, make, inputs, integer=True, skip=skip)


_UNCOMPILED = ("keras", "gradient")

ROWS = [
    LayerRow(
        "normalization",
        lambda k: k.layers.Normalization(mean=[1.0, 2.0, 3.0], variance=[1.0, 4.0, 0.0]),
        lambda rng: _TABLE[:4],
        rtol=1e-4,
    ),
    LayerRow(
        "normalization_inverted",
        lambda k: k.layers.Normalization((1, 2), mean=[1.0, 2.0], variance=[4.0, 1.0], invert=True),
        lambda rng: rng.normal(size=(3, 4, 2)).astype("float32"),
        mask=lambda rng: np.array([[True, True, False, False]] * 3),
    ),
    LayerRow(
        "normalization_adapted",
        lambda k: _adapted(k.layers.Normalization()),
        lambda rng: _TABLE[:4],
        skip=dict.fromkeys(("keras", "gradient"), _STATISTICS),
    ),
    LayerRow(
        "rescaling",
        lambda k: k.layers.Rescaling([2.0, 0.5, 1.0], offset=-1),
        lambda rng: _TABLE[:4],
        mask=lambda rng: np.array([True, False, True, True]),
    ),
    _row(
        "discretization",
        lambda k: k.layers.Discretization([0.0, 2.0]),
        lambda _: _TABLE[:4],
        *_UNCOMPILED,
        why="integers have no gradient; tests/layers/preprocessing/test_golden.py",
    ),
    _row(
        "discretization_count",
        lambda k: _adapted(k.layers.Discretization(num_bins=4, output_mode="count")),
        lambda _: _TABLE[:4],
    ),
    _row("category_encoding", lambda k: k.layers.CategoryEncoding(5), _integers(0, 5, 3, 4)),
    _row(
        "category_encoding_one_hot",
        lambda k: k.layers.CategoryEncoding(5, output_mode="one_hot"),
        _integers(-1, 7, 3, 1),
    ),
    _row(
        "category_encoding_weights",
        lambda k: k.layers.CategoryEncoding(4, output_mode="count"),
        lambda rng: Call(
            (_integers(0, 4, 3, 5)(rng),),
            {"count_weights": rng.uniform(size=(3, 5)).astype("float32")},
        ),
    ),
    _row("hashing", lambda k: k.layers.Hashing(7), _integers(-99, 99, 3, 4), *_UNCOMPILED),
    _row(
        "hashing_salted",
        lambda k: k.layers.Hashing(7, mask_value=3, salt=[5, 6], output_mode="multi_hot"),
        _integers(0, 9, 3, 4),
        *_UNCOMPILED,
    ),
    _row(
        "hashed_crossing",
        lambda k: k.layers.HashedCrossing(7, output_mode="one_hot"),
        lambda rng: [_integers(0, 9, 3, 1)(rng), _integers(0, 9, 3, 1)(rng)],
        *_UNCOMPILED,
    ),
    _row(
        "integer_lookup",
        lambda k: k.layers.IntegerLookup(vocabulary=[7, 3, 5], num_oov_indices=2, mask_token=0),
        _integers(0, 9, 3, 4),
        *_UNCOMPILED,
    ),
    _row(
        "integer_lookup_inverted",
        lambda k: k.layers.IntegerLookup(vocabulary=[7, 3, 5], invert=True),
        _integers(0, 9, 3, 4),
        *_UNCOMPILED,
    ),
    _row(
        "integer_lookup_farmhash",
        lambda k: k.layers.IntegerLookup(
            vocabulary=[7, 3, 5], num_oov_indices=3, oov_method="farmhash", output_mode="count"
        ),
        _integers(0, 9, 3, 4),
        *_UNCOMPILED,
    ),
    _row(
        "integer_lookup_tf_idf",
        lambda k: k.layers.IntegerLookup(
            vocabulary=[7, 3, 5], idf_weights=[1.0, 2.0, 0.5], output_mode="tf_idf"
        ),
        _integers(0, 9, 3, 4),
        *_UNCOMPILED,
    ),
    LayerRow(
        "pipeline",
        lambda k: k.layers.Pipeline([k.layers.Rescaling(2.0), k.layers.Activation("tanh")]),
        lambda rng: rng.normal(size=(2, 3)).astype("float32"),
    ),
]
