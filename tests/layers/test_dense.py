"""Dense and the layers without weights: errors, and cases outside the conformance table."""

import keras
import numpy as np
import pytest

import cornu
from cornu.core.state import scope
from cornu.layers import Activation, Dense, Identity, Input, Masking
from cornu.parts import activations


def test_a_misspelled_argument_gets_a_suggestion():
    with pytest.raises(TypeError, match="Dense has no argument 'actvation'.*'activation'"):
        Dense(3, actvation="relu")
    with pytest.raises(ValueError, match="Unknown activation 'rleu'.*'relu'"):
        Dense(3, activation="rleu")
    with pytest.raises(ValueError, match="Unknown initializer 'he_nromal'.*'he_normal'"):
        Dense(3, kernel_initializer="he_nromal")


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", None, True])
def test_units_must_be_a_positive_integer(units):
    with pytest.raises(ValueError, match="Dense layer 'dense': units must be a positive integer"):
        Dense(units)


def test_dense_needs_an_input_that_fits():
    with pytest.raises(ValueError, match="size of axis -1 must be known"):
        Dense(3)(Input((None,)))
    with pytest.raises(ValueError, match="at least 2 axes"):
        Dense(3)(np.zeros(4, "float32"))
    layer = Dense(3)
    layer(np.zeros((2, 4), "float32"))
    with pytest.raises(ValueError, match="expected size 4 on axis -1, received 5"):
        layer(np.zeros((2, 5), "float32"))
    with pytest.raises(ValueError, match="expected size 4 on axis -1, received 5"):
        layer(Input((5,)))


def test_activation_is_described_by_its_name():
    assert Activation(activations.relu).get_config()["activation"] == "relu"
    assert Activation("gelu").get_config()["activation"] == "gelu"
    assert Activation(None).activation is activations.linear


def test_structures_of_dense_inputs():
    outputs = Identity()({"a": Input((2,)), "b": [Input((3,), dtype="int32")]})
    assert outputs["a"].shape == (None, 2) and outputs["b"][0].dtype == "int32"


def test_masking_value_may_be_an_array():
    value = np.array([1.0, 2.0], "float32")
    x = np.array([[[1, 2], [1, 0], [0, 2], [0, 0]]], "float32")
    layer = Masking(value)
    y = layer(x)
    mask = scope.current().masks.get(y)
    theirs = keras.layers.Masking(value)
    assert mask.tolist() == theirs.compute_mask(x).tolist() == [[False, True, True, True]]
    clone = Masking.from_config(layer.get_config())
    np.testing.assert_array_equal(clone(x), y)


def test_a_frozen_layer_has_no_trainable_variables():
    layer = Dense(2)
    layer(np.zeros((1, 2), "float32"))
    layer.trainable = False
    assert layer.trainable_variables == [] and len(layer.weights) == 2


def test_layers_are_serialized_by_class_and_config():
    layer = Dense(3, activation="relu", name="d")
    described = cornu.layers.serialize(layer)
    clone = cornu.layers.deserialize(described)
    assert (clone.units, clone.activation, clone.name) == (3, activations.relu, "d")
    with pytest.raises(ValueError, match="Unknown class 'Dens'.*'Dense'"):
        cornu.layers.deserialize({**described, "class_name": "Dens"})
    with pytest.raises(ValueError, match="Expected the config of a layer"):
        cornu.layers.deserialize(
            {"module": "keras.initializers", "class_name": "Zeros", "config": {}}
        )
