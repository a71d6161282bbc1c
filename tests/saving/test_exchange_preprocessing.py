"""Preprocessing layers with adapted vocabularies and statistics are exchanged with Keras."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import cornu
from tests.saving.exchange import DIRECTIONS
from tests.saving.models import close

WORDS = ["a b", "c a", "b b b d"]
NUMBERS = np.random.default_rng(0).normal(2, 3, (50, 3)).astype("float32")
STRINGS = np.array([["x"], ["q"]])
TEXTS = np.array([["a b c"], ["d zz"]])
INTEGERS = np.array([[3], [4], [7]])


class Case(NamedTuple):
    """A layer, what it is adapted to (or None), an input, and the dtype of the input."""

    make: Callable[[Any], Any]
    data: Any
    x: np.ndarray
    dtype: str


CASES = {
    "StringLookup": Case(
        lambda k: k.layers.StringLookup(), ["x", "y", "x", "z"], STRINGS, "string"
    ),
    "StringLookup, tf_idf": Case(
        lambda k: k.layers.StringLookup(output_mode="tf_idf"), ["x", "y", "x"], STRINGS, "string"
    ),
    "StringLookup, vocabulary": Case(
        lambda k: k.layers.StringLookup(vocabulary=["x", "y"], num_oov_indices=2),
        None,
        STRINGS,
        "string",
    ),
    "IntegerLookup": Case(
        lambda k: k.layers.IntegerLookup(), np.array([3, 4, 3, 9]), INTEGERS, "int64"
    ),
    "TextVectorization": Case(
        lambda k: k.layers.TextVectorization(max_tokens=10), WORDS, TEXTS, "string"
    ),
    "TextVectorization, tf_idf": Case(
        lambda k: k.layers.TextVectorization(output_mode="tf_idf", ngrams=2), WORDS, TEXTS, "string"
    ),
    "Normalization": Case(lambda k: k.layers.Normalization(), NUMBERS, NUMBERS[:4], "float32"),
    "Discretization": Case(
        lambda k: k.layers.Discretization(num_bins=4), NUMBERS, NUMBERS[:4], "float32"
    ),
    "Hashing": Case(lambda k: k.layers.Hashing(7, salt=3), None, STRINGS, "string"),
}
FAST = ("StringLookup", "TextVectorization, tf_idf", "Discretization")


def _slow(names: Any) -> list[Any]:
    return [pytest.param(n, marks=[] if n in FAST else [pytest.mark.slow]) for n in names]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", _slow(CASES))
def test_what_a_layer_has_learned_is_exchanged(name: str, direction: str, tmp_path: Path) -> None:
    source, target = DIRECTIONS[direction]
    make, data, x, dtype = CASES[name]
    layer = make(source)
    if data is not None:
        layer.adapt(data)
    inputs = source.Input(x.shape[1:], dtype=dtype)
    source.Model(inputs, layer(inputs)).save(tmp_path / "model.keras")
    loaded = target.models.load_model(tmp_path / "model.keras").layers[-1]
    close(loaded(x), layer(x), rtol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_feature_space_is_exchanged(direction: str, tmp_path: Path) -> None:
    import tensorflow as tf

    source, target = DIRECTIONS[direction]
    space = source.utils.FeatureSpace
    data = {
        "number": np.array([1.0, 2.0, 5.0, 7.0], "float32"),
        "word": np.array(["a", "b", "a", "c"]),
        "count": np.array([1, 2, 1, 4]),
        "bins": np.array([0.1, 0.5, 0.9, 0.3], "float32"),
    }
    made = space(
        features={
            "number": space.float_normalized(),
            "word": space.string_categorical(),
            "count": space.integer_categorical(),
            "bins": space.float_discretized(num_bins=3),
        },
        crosses=[("word", "count")],
    )
    made.adapt(tf.data.Dataset.from_tensor_slices(data))
    expected = made(data)
    made.save(tmp_path / "space.keras")
    close(target.models.load_model(tmp_path / "space.keras")(data), expected, rtol=1e-6)


def test_a_subclassed_model_is_described_by_json() -> None:
    """As in Keras, the JSON has the shapes with which the model was built."""

    @cornu.saving.register_keras_serializable("exchange")
    class Two(cornu.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = cornu.layers.Dense(2)

        def call(self, x: Any) -> Any:
            return self.dense(x)

    model = Two()
    model(np.ones((1, 3), "float32"))
    again = cornu.models.model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    close(again(np.ones((2, 3), "float32")), model(np.ones((2, 3), "float32")))
