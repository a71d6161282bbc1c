"""Activations have the values and gradients of Keras."""

import json

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.parts import activations

NAMES = [
    name
    for name in dir(keras.activations)
    if name[0] != "_" and name not in ("get", "serialize", "deserialize")
]
ARGS = {"threshold": [(0.3, -2.0)], "relu": [(), (0.1,), (0.0, 1.0), (0.1, 1.0, 0.2), (0.0, 6.0)]}
ARGS |= {"gelu": [(), (True,)], "softmax": [(), (0,)], "elu": [(), (0.5,)], "celu": [(2.0,)]}


# Keras's sparsemax does not sum to 1; see tests/ops for what is right.
@pytest.mark.parametrize("name", [name for name in NAMES if name != "sparsemax"])
def test_activation_is_keras(name):
    x = np.linspace(-7, 7, 60, dtype="float32").reshape(6, 10)
    ours, theirs = getattr(activations, name), getattr(keras.activations, name)
    for args in ARGS.get(name, [()]):
        for found, expected in zip(_both(ours, args)(x), _both(theirs, args)(x), strict=True):
            np.testing.assert_allclose(found, expected, 1e-4, 1e-5)
        assert _both(ours, args)(x.astype("bfloat16"))[0].dtype == "bfloat16"


def _both(fn, args):
    return jax.jit(lambda x: (fn(x, *args), jax.grad(lambda x: jnp.sum(jnp.sin(fn(x, *args))))(x)))


@pytest.mark.parametrize("name", NAMES)
def test_names_and_configs(name):
    fn = activations.get(name)
    assert fn is getattr(activations, name)
    assert activations.serialize(fn) == keras.activations.serialize(
        getattr(keras.activations, name)
    )
    assert activations.deserialize(json.loads(json.dumps(activations.serialize(fn)))) is fn


def test_registered_functions_do_not_replace_those_of_the_library():
    def relu(x):
        return x

    def own_activation(x):
        return 2 * x

    objects = cornu.saving.get_custom_objects()
    before = dict(objects)
    try:
        for function in (relu, own_activation):
            cornu.saving.register_keras_serializable()(function)
        assert activations.get("relu") is activations.relu
        assert activations.get("Custom>relu") is relu
        assert activations.get("own_activation") is own_activation
        with cornu.saving.CustomObjectScope({"relu": relu}):
            assert activations.get("relu") is relu
    finally:
        objects.clear()
        objects.update(before)


def test_none_is_linear_and_callables_are_returned_unchanged():
    assert activations.get(None) is activations.linear
    x = jnp.ones(3)
    assert activations.linear(x) is x
    assert activations.get(jnp.tanh) is jnp.tanh
    with pytest.raises(ValueError, match="'sigmoid'"):
        activations.get("sigmod")
    assert activations.deserialize("twice", {"twice": lambda x: 2 * x})(2) == 4
