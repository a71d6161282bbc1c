"""Optimizers: the rewritten call makes the steps of the dialect."""

from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu.legacy import optimizers as old_optimizers
from cornu.modernize import load_era, modernize_source
from scripts.modernize.page import optimizer_table

CALLS = [
    *("SGD()", "SGD(0.1, 0.9, nesterov=True)", "SGD(lr=0.1, decay=0.1)", "SGD(clipnorm=0.1)"),
    *("RMSprop()", "RMSprop(0.01, rho=0.8)", "RMSprop(lr=0.01, decay=0.5)"),
    *("Adagrad()", "Adagrad(lr=0.1)", "Adadelta()", "Adadelta(0.5, 0.9)"),
    *("Adam()", "Adam(0.01, 0.8, 0.9)", "Adam(decay=0.1, clipvalue=0.01)", "Adamax()"),
    *("RMSprop(epsilon=1e-3)", "Adagrad(0.1, epsilon=1e-3, clipvalue=0.2)"),
    *("Nadam()", "Nadam(0.1, 0.8, schedule_decay=0.1)", "Nadam(clipnorm=0.1, epsilon=1e-3)"),
]
# Optimizers of `tf.keras.optimizers.legacy`.
LEGACY = [
    *("RMSprop(0.1, 0.8, 0.9, 1e-3)", "RMSprop(epsilon=1e-3, clipnorm=0.1)", "Adagrad()"),
    *("RMSprop(0.1, 0.8, 0.0, 1e-3)", "Adam(clipnorm=0.1)", "Adam(global_clipnorm=0.1)"),
    *("SGD(lr=0.1, decay=0.1)", "Ftrl(0.1)", "Nadam()", "Adamax(epsilon=1e-3)", "Adadelta()"),
]
NAMES = ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax", "nadam")
STARTS = ([1.0, -2.0, 0.5, 1e-6, 1e-5], [0.3])
# Epsilon matters for gradients of its size.
GRADIENTS = ([0.1, -0.4, 0.0, 1e-8, -1e-6], [0.7])


def values_after(optimizer):
    """Returns the values of two variables after three steps."""
    variables = [cornu.Variable(np.array(value, "float32")) for value in STARTS]
    for i in range(3):
        gradients = [np.array(value, "float32") * (1 + i) for value in GRADIENTS]
        optimizer.apply(gradients, variables)
    return np.concatenate([variable.numpy() for variable in variables])


@pytest.fixture
def exact(monkeypatch):
    """Lets Adam of Keras 1 and 2 compute `1 - beta` exactly, as Keras 3 does."""
    monkeypatch.setattr(
        old_optimizers, "_average", lambda decay, old, new: decay * old + (1 - decay) * new
    )


def assert_equal_values(found, expected, call):
    np.testing.assert_allclose(found, expected, rtol=2e-6, err_msg=call)


@pytest.mark.parametrize("dialect", ["keras1", "keras2", "keras2.3"])
def test_every_optimizer(dialect, exact):
    era = load_era(dialect)
    for call in CALLS:
        name = call.partition("(")[0]
        program = f"from keras.optimizers import {name}\n\nmade = {call}\n"
        scope = {}
        exec(modernize_source(program, era, "cornu").text, scope)
        old = eval(call, {name: era.find(f"optimizers.{name}")})
        found, expected = values_after(scope["made"]), values_after(old)
        assert_equal_values(found, expected, call)


@pytest.mark.parametrize("dialect", ["keras1", "keras2"])
def test_names(dialect, exact):
    era = load_era(dialect)
    for name in NAMES:
        program = (
            f"from keras.models import Sequential\n\nm = Sequential()\nm.compile({name!r}, 'mse')\n"
        )
        scope = {}
        exec(modernize_source(program, era, "cornu").text, scope)
        expected = values_after(era.find("optimizers.get")(name))
        assert_equal_values(values_after(scope["m"].optimizer), expected, name)


def test_optimizers_of_tensorflow(exact):
    era = load_era("keras2")
    for call in LEGACY:
        name = call.partition("(")[0]
        program = f"from tensorflow.keras.optimizers.legacy import {name}\n\nmade = {call}\n"
        new = modernize_source(program, era, "cornu")
        scope = {}
        exec(new.text, scope)
        old = eval(call, {name: era.find(f"optimizers.legacy.{name}", is_tensorflow=True)})
        assert_equal_values(values_after(scope["made"]), values_after(old), call)
        assert not new.marks


@pytest.mark.parametrize("dialect", ["keras1", "keras2", "keras2.3"])
def test_the_rounding_of_adam_is_small(dialect):
    """`1 - beta_2` is computed from float32(0.999) in Keras 1 and 2, and from 0.999 in Keras 3."""
    for call in [call for call in CALLS if call.startswith("Adam(")]:
        expected = values_after(eval(call, {"Adam": load_era(dialect).find("optimizers.Adam")}))
        program = f"from keras.optimizers import Adam\n\nmade = {call}\n"
        scope = {}
        exec(modernize_source(program, load_era(dialect), "cornu").text, scope)
        steps = abs(expected - np.concatenate(STARTS))
        assert (
            abs(values_after(scope["made"]) - expected) <= 2e-6 * abs(expected) + 2.4e-5 * steps
        ).all()


def test_what_has_no_equal_is_marked():
    legacy = (
        "from tensorflow.keras.optimizers.legacy import RMSprop\nmade = RMSprop(centered=True)\n"
    )
    new = modernize_source(legacy, load_era("keras2"))
    assert "under the root" in new.marks[0].text
    both = "from keras.optimizers import SGD\nmade = SGD(clipnorm=1.0, clipvalue=0.5)\n"
    assert "cannot be combined" in modernize_source(both, load_era("keras2")).marks[0].text


@pytest.mark.parametrize("call", ["RMSprop(0.1)", "Adagrad(0.1)", "Nadam(0.1)"])
def test_inserted_optimizers_have_a_config(call):
    name = call.partition("(")[0]
    program = f"from keras.optimizers import {name}\n\nmade = {call}\n"
    scope = {}
    exec(modernize_source(program, load_era("keras1"), "cornu").text, scope)
    again = type(scope["made"]).from_config(scope["made"].get_config())
    np.testing.assert_array_equal(values_after(again), values_after(scope["made"]))


def test_the_table_of_the_page():
    page = (Path(__file__).parents[2] / "docs/modernize.md").read_text()
    assert "\n".join(optimizer_table()) in page
