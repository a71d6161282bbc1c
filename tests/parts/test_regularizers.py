"""Regularizers have the values and gradients of Keras."""

import json

import jax
import keras
import numpy as np
import pytest

from cornu.core.state.variable import Variable
from cornu.parts import regularizers

ROWS = [
    ("L1", {}),
    ("L1", {"l1": 0.3}),
    ("L2", {}),
    ("L2", {"l2": 0.2}),
    ("L1L2", {"l1": 0.1, "l2": 0.3}),
    ("L1L2", {}),
    ("OrthogonalRegularizer", {}),
    ("OrthogonalRegularizer", {"factor": 0.5, "mode": "columns"}),
]


@pytest.mark.parametrize(("name", "args"), ROWS)
def test_regularizer_is_keras(name, args):
    x = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    ours, theirs = (getattr(k, name)(**args) for k in (regularizers, keras.regularizers))
    for found, expected in zip(
        jax.jit(jax.value_and_grad(ours))(x), jax.jit(jax.value_and_grad(theirs))(x), strict=True
    ):
        np.testing.assert_allclose(found, expected, 1e-5, 1e-6)
    np.testing.assert_allclose(ours(Variable(x, name="x")), ours(x), 1e-5)
    config = json.loads(json.dumps(regularizers.serialize(ours)))
    assert regularizers.deserialize(config).get_config() == ours.get_config()
    given = json.loads(json.dumps(keras.regularizers.serialize(theirs)))
    restored = regularizers.deserialize(given).get_config()
    assert restored.keys() == given["config"].keys()
    np.testing.assert_allclose(
        *([c[k] for k in c if k != "mode"] for c in (restored, given["config"])), 1e-6
    )


def test_names():
    for name in ("l1", "l2", "l1_l2", "L1L2", "orthogonal_regularizer"):
        assert isinstance(regularizers.get(name), regularizers.Regularizer)
    assert regularizers.get(None) is None
    assert regularizers.get(abs) is abs
    assert regularizers.Regularizer()(3) == 0.0
    with pytest.raises(ValueError, match="'l1_l2'"):
        regularizers.get("l1_12")


def test_wrong_arguments_are_errors():
    for make in (regularizers.L1, regularizers.L2, regularizers.OrthogonalRegularizer):
        for factor in (-1.0, float("nan"), float("inf"), "0.1"):
            with pytest.raises(ValueError, match="must be a finite, non-negative number"):
                make(factor)
    with pytest.raises(ValueError, match="mode"):
        regularizers.OrthogonalRegularizer(mode="diagonal")
    with pytest.raises(ValueError, match="matrix"):
        regularizers.OrthogonalRegularizer()(np.ones((2, 2, 2)))
