"""Masks of arrays and Tensors, as attributes and by functions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.backend import get_keras_mask, set_keras_mask

IDS = np.array([[3, 1, 0], [2, 0, 0]])
VALID = IDS != 0


def embedding():
    return layers.Embedding(5, 2, mask_zero=True)


class First(layers.Layer):
    """Returns the first input, and keeps the masks that it received."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs, mask=None):
        self.received = mask
        return cornu.tree.leaves(inputs)[0]

    def compute_mask(self, inputs, mask):
        return cornu.tree.leaves(mask)[0]


def test_masks_of_arrays_are_attributes():
    x = embedding()(IDS)
    for y in (x, layers.Masking()(jnp.where(VALID[..., None], 1.0, 0.0)), layers.ReLU()(x)):
        np.testing.assert_array_equal(y._keras_mask, VALID)
        np.testing.assert_array_equal(get_keras_mask(y), VALID)
    assert get_keras_mask(jnp.ones(3)) is get_keras_mask(np.ones(3)) is None


@pytest.mark.parametrize("assign", [set_keras_mask, lambda x, m: setattr(x, "_keras_mask", m)])
def test_an_assigned_mask_is_that_of_the_layers_called_on_the_array(assign):
    layer = layers.LSTM(2, return_sequences=True)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 3, 2)), "float32")
    plain, expected = layer(x), layer(x, mask=jnp.asarray(VALID))
    assign(x, jnp.asarray(VALID))
    y = layer(x)
    np.testing.assert_array_equal(y, expected)
    np.testing.assert_array_equal(y._keras_mask, VALID)
    assign(x, None)
    np.testing.assert_array_equal(layer(x), plain)


def test_masks_of_numpy_arrays_and_tracers_are_found_by_the_functions():
    x = np.ones((2, 3))
    set_keras_mask(x, VALID)
    assert get_keras_mask(x) is VALID
    set_keras_mask(x, None)
    assert get_keras_mask(x) is None
    embed = embedding()
    embed(IDS)
    np.testing.assert_array_equal(jax.jit(lambda ids: get_keras_mask(embed(ids)))(IDS), VALID)


def test_masks_of_symbolic_tensors():
    x = cornu.Input((3, 2))
    assert x._keras_mask is None
    x._keras_mask = cornu.Input((3,), dtype="bool")
    y = layers.ReLU()(x)
    assert y._keras_mask is y.mask is get_keras_mask(y) is x.mask


@pytest.mark.parametrize(
    "nest",
    [
        lambda x, y: [x, y],
        lambda x, y: {"a": x, "b": y},
        lambda x, y: {"a": (x, y), "b": [y, {"c": x}]},
    ],
)
def test_masks_of_nested_inputs_are_in_their_structure(nest):
    x, y = embedding()(IDS), jnp.ones((2, 3, 2))
    layer = First()
    np.testing.assert_array_equal(layer(nest(x, y))._keras_mask, VALID)
    received = cornu.tree.map(lambda m: None if m is None else m.tolist(), layer.received)
    assert received == nest(VALID.tolist(), None)
    assert layer(nest(y, y)) is not None and layer.received is None


def functional():
    ids = cornu.Input((3,), dtype="int32")
    return cornu.Model(ids, embedding()(ids))


def subclassed():
    class Encoder(cornu.Model):
        def __init__(self):
            super().__init__()
            self.embed = embedding()

        def call(self, ids):
            return self.embed(ids)

    return Encoder()


@pytest.mark.parametrize("make", [functional, subclassed, lambda: cornu.Sequential([embedding()])])
def test_outputs_of_models_called_on_arrays_carry_masks(make):
    model = make()
    for ids in (IDS, jnp.asarray(IDS)):
        np.testing.assert_array_equal(model(ids)._keras_mask, VALID)
    layer = layers.LSTM(2)
    np.testing.assert_allclose(
        layer(model(IDS)), layer(jnp.asarray(model(IDS)) * 1.0, mask=jnp.asarray(VALID)), rtol=1e-6
    )
