"""Losses have the attributes that those of Keras have."""

import inspect

import keras
import numpy as np
import pytest

from cornu import losses

CLASSES = [
    name
    for name, cls in vars(keras.losses).items()
    if inspect.isclass(cls) and name not in ("Loss", "LossFunctionWrapper")
]


@pytest.mark.parametrize("name", CLASSES)
def test_arguments_are_attributes(name):
    ours, theirs = getattr(losses, name)(), getattr(keras.losses, name)()
    for attribute in inspect.signature(getattr(keras.losses, name)).parameters:
        assert hasattr(ours, attribute)
        if hasattr(theirs, attribute):
            np.testing.assert_equal(getattr(ours, attribute), getattr(theirs, attribute))


def test_an_assigned_argument_is_used():
    loss = losses.Huber(delta=1.0)
    loss.delta = 0.5
    assert float(loss([[0.0]], [[2.0]])) == float(losses.Huber(delta=0.5)([[0.0]], [[2.0]]))


def test_arguments_may_have_the_names_of_members():
    loss = losses.FunctionLoss(lambda y, p, call: (y - p) * call, call=2.0)
    assert float(loss([[3.0]], [[1.0]])) == 4.0
