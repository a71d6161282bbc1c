"""Optimizers: the rewritten call makes the steps of the dialect."""

import numpy as np
import pytest

import cornu
from cornu.modernize import load_era, modernize_source

CALLS = [
    *("SGD()", "SGD(0.1, 0.9, nesterov=True)", "SGD(lr=0.1, decay=0.1)", "SGD(clipnorm=0.1)"),
    *("RMSprop()", "RMSprop(0.01, rho=0.8)", "RMSprop(lr=0.01, decay=0.5)"),
    *("Adagrad()", "Adagrad(lr=0.1)", "Adadelta()", "Adadelta(0.5, 0.9)"),
    *("Adam()", "Adam(0.01, 0.8, 0.9)", "Adam(decay=0.1, clipvalue=0.01)", "Adamax()"),
]
NAMES = ("sgd", "rmsprop", "adagrad", "adadelta", "adam", "adamax")
STARTS = ([1.0, -2.0, 0.5], [0.3])
GRADIENTS = ([0.1, -0.4, 0.0], [0.7])


def values_after(optimizer):
    """Returns the values of two variables after three steps."""
    variables = [cornu.Variable(np.array(value, "float32")) for value in STARTS]
    for i in range(3):
        gradients = [np.array(value, "float32") * (1 + i) for value in GRADIENTS]
        optimizer.apply(gradients, variables)
    return np.concatenate([variable.numpy() for variable in variables])


@pytest.mark.parametrize("dialect", ["keras1", "keras2", "keras2.3"])
def test_every_optimizer(dialect):
    era = load_era(dialect)
    for call in CALLS:
        name = call.partition("(")[0]
        program = f"from keras.optimizers import {name}\n\nmade = {call}\n"
        scope = {}
        exec(modernize_source(program, era, "cornu").text, scope)
        old = eval(call, {name: era.find(f"optimizers.{name}")})
        found, expected = values_after(scope["made"]), values_after(old)
        np.testing.assert_allclose(found, expected, rtol=2e-6, err_msg=call)


@pytest.mark.parametrize("dialect", ["keras1", "keras2"])
def test_names(dialect):
    era = load_era(dialect)
    for name in NAMES:
        program = (
            f"from keras.models import Sequential\n\nm = Sequential()\nm.compile({name!r}, 'mse')\n"
        )
        scope = {}
        exec(modernize_source(program, era, "cornu").text, scope)
        expected = values_after(era.find("optimizers.get")(name))
        np.testing.assert_allclose(
            values_after(scope["m"].optimizer), expected, rtol=2e-6, err_msg=name
        )


@pytest.mark.parametrize("call", ["RMSprop(epsilon=1e-3)", "Adagrad(0.1, 1e-3)"])
def test_another_epsilon_is_marked(call):
    program = f"from keras.optimizers import {call.partition('(')[0]}\n\nmade = {call}\n"
    new = modernize_source(program, load_era("keras2"))
    assert "under the root" in new.marks[0].text and "1e-06" in new.text
