"""Constraints give the weights of Keras."""

import json

import keras
import numpy as np
import pytest

from cornu.core.state.variable import Variable
from cornu.parts import constraints

ROWS = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 0.5, "axis": 1}),
    ("MinMaxNorm", {"min_value": 0.5, "max_value": 1.5, "rate": 0.7}),
    ("UnitNorm", {"axis": [0, 1]}),
    ("NonNeg", {}),
]


@pytest.mark.parametrize(("name", "args"), ROWS)
def test_constraint_is_keras(name, args):
    w = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")
    ours, theirs = (getattr(k, name)(**args) for k in (constraints, keras.constraints))
    np.testing.assert_allclose(ours(w), theirs(w), 1e-5, 1e-6)
    variable = Variable(w, name="w")
    variable.assign(ours(variable))
    np.testing.assert_allclose(variable, theirs(w), 1e-5, 1e-6)
    config = json.loads(json.dumps(constraints.serialize(ours)))
    assert constraints.deserialize(config).get_config() == ours.get_config()
    given = json.loads(json.dumps(keras.constraints.serialize(theirs)))
    assert constraints.deserialize(given).get_config() == given["config"]


def test_names():
    for name in ("max_norm", "min_max_norm", "non_neg", "unit_norm", "MaxNorm"):
        assert isinstance(constraints.get(name), constraints.Constraint)
    assert constraints.get(None) is None
    assert constraints.get(abs) is abs
    with pytest.raises(ValueError, match="'max_norm'"):
        constraints.get("maxnorm")
