"""Discretization: invalid boundaries, and use in a model."""

import json

import numpy as np
import pytest

import cornu
from cornu.layers import Discretization, Embedding

X = np.random.default_rng(0).normal(size=(64, 2)).astype("float32")


def test_learned_boundaries_are_part_of_the_config(tmp_path):
    layer = Discretization(num_bins=4, name="bins")
    layer.adapt(X)
    clone = Discretization.from_config(json.loads(json.dumps(layer.get_config())))
    np.testing.assert_array_equal(clone(X), layer(X))
    inputs = cornu.Input((2,))
    model = cornu.Model(inputs, Embedding(4, 3)(layer(inputs)))
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(cornu.models.load_model(tmp_path / "model.keras")(X), model(X))


def test_bins_share_the_data_out():
    layer = Discretization(num_bins=4, epsilon=0.01)
    layer.adapt(X)
    counts = np.bincount(np.asarray(layer(X)).ravel())
    assert len(counts) == 4 and counts.min() > 0.8 * X.size / 4


def test_a_compiled_program_does_not_go_stale():
    layer = Discretization(num_bins=2)
    layer.adapt(X)
    model = cornu.Sequential([cornu.Input((2,)), layer])
    layer.adapt(X + 1)  # built, but not compiled
    np.testing.assert_array_equal(model(X), layer(X))
    with pytest.raises(RuntimeError, match="part of a compiled program"):
        layer.adapt(X)


def test_precision_under_a_short_compute_dtype():
    layer = Discretization([257.0], dtype="mixed_bfloat16")
    assert layer(np.array([256.9, 257.0], "float32")).tolist() == [0, 1]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "either bin_boundaries, or num_bins"),
        ({"bin_boundaries": [1.0], "num_bins": 2}, "either bin_boundaries, or num_bins"),
        ({"num_bins": 0}, "num_bins must be >= 1"),
        ({"num_bins": 2, "epsilon": 0}, "epsilon must be between"),
        ({"bin_boundaries": [1.0, 0.0]}, "increasing order"),
        ({"num_bins": 2, "output_mode": "tf_idf"}, "output_mode must be one of"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        Discretization(**arguments)


def test_without_boundaries():
    with pytest.raises(ValueError, match=r"has no boundaries yet.\nCall adapt"):
        Discretization(num_bins=3)(X)
    with pytest.raises(ValueError, match="constructed with bin_boundaries"):
        Discretization([0.0]).adapt(X)
