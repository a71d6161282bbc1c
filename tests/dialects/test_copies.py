"""Copies of models in the dialects: layers, methods and files are those of the version."""

import copy
import json

import h5py
import numpy as np
import pytest

from cornu.dialects import keras1, keras2

VERSIONS = {"1.2.2": keras1.load, "2.2.4": lambda: keras2.load("2.2.4"), "2.3.1": keras2.load}


def build(keras):
    layers = keras.layers
    inner = keras.models.Sequential([layers.Dense(3, input_shape=(4,), activation="tanh")])
    x = layers.Input(shape=(4,))
    model = keras.models.Model(x, layers.Dense(2)(layers.Dropout(0.5)(inner(x))))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def copies_of(keras, model):
    yield copy.deepcopy(model)
    if hasattr(keras.models, "clone_model"):
        yield keras.models.clone_model(model)


@pytest.mark.parametrize("version", VERSIONS)
def test_copies_are_models_of_the_version(version, tmp_path):
    keras = VERSIONS[version]()
    model = build(keras)
    for copied in copies_of(keras, model):
        assert type(copied) is type(model)
        pairs = zip(model.layers[1:], copied.layers[1:], strict=True)
        assert all(type(new) is type(old) and new is not old for old, new in pairs)
        assert json.loads(copied.to_json()) == json.loads(model.to_json())
        copied.save(tmp_path / "copy.h5")
        with h5py.File(tmp_path / "copy.h5") as file:
            config = json.loads(file.attrs["model_config"])
        assert config == {k: json.loads(model.to_json())[k] for k in ("class_name", "config")}
    copied = copy.deepcopy(model)
    np.testing.assert_array_equal(copied.predict(np.ones((2, 4))), model.predict(np.ones((2, 4))))
    copied.save(tmp_path / "compiled.h5")
    with h5py.File(tmp_path / "compiled.h5") as file:
        assert json.loads(file.attrs["training_config"])["loss"] == "mse"


@pytest.mark.parametrize("version", VERSIONS)
def test_layers_without_a_call_are_named_in_the_warning(version, tmp_path):
    model = build(VERSIONS[version]())
    again = type(model).from_config(model.get_config())
    with pytest.warns(UserWarning, match=r"layer '.*' \(.*\) was not created by a class of Keras"):
        again.save(tmp_path / "model.h5")
