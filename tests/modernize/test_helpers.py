"""What is inserted into programs computes what the dialects compute."""

import numpy as np
import pytest

import cornu as keras
from cornu.dialects.keras1 import backend
from cornu.legacy.activations import hard_sigmoid
from cornu.legacy.keras1.argument_values import PerGateInitializer
from cornu.legacy.regularizers import SummedActivityRegularizer
from cornu.modernize.helpers import HELPERS


@pytest.fixture
def helper():
    def load(name):
        scope = {"keras": keras}
        exec(HELPERS[name], scope)
        return scope[name]

    return load


def test_hard_sigmoid(helper):
    x = np.linspace(-4, 4, 33, dtype="float32")
    np.testing.assert_array_equal(helper("hard_sigmoid")(x), hard_sigmoid(x))


def test_summed_over_batch(helper):
    x = np.arange(6, dtype="float32").reshape(3, 2)
    ours = helper("SummedOverBatch")(keras.regularizers.L1(0.1))
    assert ours(x) == SummedActivityRegularizer(keras.regularizers.L1(0.1))(x)
    assert ours.get_config()["penalty"]["class_name"] == "L1"


def test_per_gate(helper):
    keras.utils.set_random_seed(1)
    ours = helper("PerGate")("orthogonal", 3)((4, 12))
    keras.utils.set_random_seed(1)
    expected = PerGateInitializer([keras.initializers.Orthogonal()] * 3)((4, 12))
    np.testing.assert_array_equal(ours, expected)
    assert helper("PerGate")("zeros", 2).get_config() == {"initializer": "zeros", "gates": 2}


def test_rnn(helper):
    x = np.random.RandomState(0).normal(size=(2, 3, 4)).astype("float32")
    states = [np.ones((2, 4), "float32")]

    def step(x, states):
        new = 0.5 * x + states[0]
        return 2 * new, [new]

    found = helper("rnn")(step, x, states)
    expected = backend.FUNCTIONS["rnn"](step, x, states)
    for a, b in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(found[2][0], expected[2][0], rtol=1e-6)


def test_inputs_of(helper):
    a, b = keras.Input((2,)), keras.Input((2,))
    first = keras.Model([a, b], keras.layers.add([a, b]))
    second = keras.Model(b, keras.layers.Dense(1)(b))
    assert [id(x) for x in helper("inputs_of")(first, second)] == [id(a), id(b)]
