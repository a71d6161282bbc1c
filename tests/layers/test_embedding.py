"""Embedding: masks, given tables, out-of-range indices."""

import json

import keras
import numpy as np
import pytest

import cornu
from cornu.core.state import scope
from cornu.layers import Embedding, Input, ReversibleEmbedding
from tests.conformance.faults import fault

TABLE = np.arange(6, dtype="float32").reshape(3, 2)


def test_the_table_may_be_given_and_is_not_configuration():
    for weights in (TABLE, [TABLE]):
        layer = Embedding(3, 2, weights=weights, name="e")
        assert layer.built and layer.get_weights()[0].tolist() == TABLE.tolist()
        assert "weights" not in json.loads(json.dumps(layer.get_config()))
    assert not Embedding.from_config(layer.get_config()).built
    with pytest.raises(ValueError, match=r"has the shape \(4, 2\); received \(3, 2\)"):
        Embedding(4, 2, weights=TABLE)


def test_numbers_outside_of_the_table():
    x = np.array([[0, 3, -1]])
    layer, theirs = Embedding(3, 2, weights=TABLE), keras.layers.Embedding(3, 2, weights=TABLE)
    np.testing.assert_array_equal(layer(x), theirs(x))
    assert np.isnan(layer(x)[0, 1]).all()


def test_large_numbers_survive_a_short_float_type():
    layer = Embedding(1000, 1, weights=np.arange(1000.0)[:, None], dtype="bfloat16")
    assert layer(np.array([[257.0, 999.0]], "float32")).dtype == "bfloat16"
    rows = np.asarray(layer(np.array([[257.0, 259.0]], "float32")), "float32")
    assert rows.ravel().tolist() == [256.0, 260.0]  # as bfloat16 rounds the values


def test_masks_of_a_reversible_embedding():
    layer = ReversibleEmbedding(5, 3, mask_zero=True)
    x = layer(Input((4,), dtype="int32"))
    assert x.mask.shape == (None, 4)
    assert layer(Input((4,))).mask.shape == (None, 4)  # numbers as floats
    assert layer(Input((4, 3)), reverse=True).mask is None
    hidden = np.zeros((1, 4, 3), "float32")
    assert scope.current().masks.get(layer(hidden, reverse=True)) is None


@fault("layers.ReversibleEmbedding")
def test_logits_have_the_given_dtype():
    hidden = np.ones((1, 3), "float32")
    mixed, by_keras = (
        k.layers.ReversibleEmbedding(5, 3, dtype="mixed_bfloat16") for k in (cornu, keras)
    )
    assert mixed(hidden, reverse=True).dtype == "bfloat16"
    by_keras.build()
    assert by_keras(hidden, reverse=True).dtype == "float32"
    exact = ReversibleEmbedding(5, 3, dtype="mixed_bfloat16", reverse_dtype="float32")
    assert exact(hidden, reverse=True).dtype == "float32"


def test_bad_arguments():
    with pytest.raises(ValueError, match="input_dim must be a positive integer.*-1"):
        Embedding(-1, 2)
    with pytest.raises(ValueError, match="output_dim must be a positive integer.*2.5"):
        Embedding(3, 2.5)
    with pytest.raises(ValueError, match="rank of LoRA must be a positive integer"):
        Embedding(3, 2, lora_rank=2.5)
