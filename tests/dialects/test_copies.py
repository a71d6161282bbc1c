"""Copies of models in the dialects: layers, methods and files are those of the version."""

import copy
import json
import pickle
import subprocess
import sys

import h5py
import numpy as np
import pytest

from cornu import layers
from cornu.dialects import keras1, keras2

VERSIONS = {
    "1.2.2": keras1.load,
    "2.2.4": lambda: keras2.load("2.2.4"),
    "2.3.1": lambda: keras2.load("2.3.1"),
}


def build(keras):
    layers = keras.layers
    inner = keras.models.Sequential([layers.Dense(3, input_shape=(4,), activation="tanh")])
    x = layers.Input(shape=(4,))
    model = keras.models.Model(x, layers.Dense(2)(layers.Dropout(0.5)(inner(x))))
    model.compile("adam", "mse", metrics=["mae"])
    return model


def copies_of(keras, model):
    yield copy.deepcopy(model)
    yield copy.copy(model)
    yield pickle.loads(pickle.dumps(model))
    if hasattr(keras.models, "clone_model"):
        yield keras.models.clone_model(model)
    yield type(model).from_config(model.get_config())


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
def test_copies_of_layers(version):
    layers = VERSIONS[version]().layers
    assert pickle.loads(pickle.dumps(layers.Dense)) is layers.Dense
    inner = layers.LSTM(3, return_sequences=True)
    made = [inner, layers.Bidirectional(inner, merge_mode="sum"), layers.Lambda(np.tanh)]
    if version == "1.2.2":
        made += [layers.Merge(mode="concat"), layers.AtrousConvolution1D(2, 3)]
    else:
        cells = layers.StackedRNNCells([layers.GRUCell(2), layers.GRUCell(3)])
        made += [cells, layers.RNN(cells)]
    for layer in made:
        config = layer.get_config()
        for copied in (copy.deepcopy(layer), copy.copy(layer), pickle.loads(pickle.dumps(layer))):
            assert type(copied) is type(layer) and copied.get_config() == config
    x = np.ones((2, 4, 5), "float32")
    model = VERSIONS[version]().models.Sequential([layers.LSTM(3, input_shape=(4, 5))])
    again = pickle.loads(pickle.dumps(model.layers[0]))
    np.testing.assert_array_equal(again(x), model.layers[0](x))


@pytest.mark.parametrize("version", VERSIONS)
def test_an_activation_that_was_replaced_is_in_the_config(version, tmp_path):
    keras = VERSIONS[version]()
    model = build(keras)
    model.layers[-1].activation = keras.activations.sigmoid
    assert model.layers[-1].get_config()["activation"] == "sigmoid"
    model.save(tmp_path / "model.h5")
    again = keras.models.load_model(tmp_path / "model.h5")
    x = np.ones((2, 4), "float32")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


@pytest.mark.parametrize("version", VERSIONS)
def test_layers_within_layers_and_inputs_have_configs_of_the_version(version):
    keras = VERSIONS[version]()
    layers = keras.layers
    both = layers.Bidirectional(layers.LSTM(2, name="inner"), input_shape=(3, 4))
    for made in (both, copy.deepcopy(both)):
        parts = [made.forward_layer.get_config(), made.backward_layer.get_config()]
        assert [part["go_backwards"] for part in parts] == [False, True]
        assert [part["name"] for part in parts] == ["forward_inner", "backward_inner"]
    model = build(keras)
    first = model.layers[0]
    assert isinstance(first, layers.InputLayer) and not isinstance(both, layers.InputLayer)
    assert first.get_config()["batch_input_shape"] == (None, 4)
    again = type(first).from_config(first.get_config())
    assert again.get_config() == first.get_config()


@pytest.mark.parametrize("version", ["2.2.4", "2.3.1", "2.15.0"])
def test_clones_by_tensors_and_functions_are_models_of_the_version(version):
    keras = keras2.load(version)
    x = keras.layers.Input(shape=(4,))
    functional = keras.models.Model(x, keras.layers.Dense(2)(keras.layers.Dense(3)(x)))
    sequential = keras.models.Sequential([keras.layers.Dense(3, input_shape=(4,))])
    for model in (functional, sequential):
        tensor = keras.layers.Input(shape=(4,))
        copied = keras.models.clone_model(model, input_tensors=tensor)
        assert copied.inputs[0] is tensor
        seen = []

        def clone(layer, seen=seen):
            seen.append(layer.name)
            return type(layer).from_config({**layer.get_config(), "trainable": False})

        for again in (copied, keras.models.clone_model(model, clone_function=clone)):
            assert type(again) is type(model)
            pairs = zip(model.layers[-2:], again.layers[-2:], strict=True)
            assert all(type(old) is type(new) and old is not new for old, new in pairs)
        assert seen and not again.layers[-1].trainable


@pytest.mark.slow
def test_networks_consist_of_layers_of_the_version():
    keras = keras2.load("2.3.1")
    made = keras.applications.MobileNetV2(
        input_shape=(32, 32, 3), alpha=0.35, weights=None, classes=2
    )
    config = made.get_config()
    kinds = {entry["class_name"] for entry in config["layers"]}
    assert kinds >= {"BatchNormalization", "Conv2D", "DepthwiseConv2D", "GlobalAveragePooling2D"}
    convolution = next(one for one in config["layers"] if one["class_name"] == "Conv2D")
    assert convolution["config"]["kernel_initializer"]["class_name"] == "VarianceScaling"
    again = type(made).from_config(config)
    assert json.loads(again.to_json()) == json.loads(made.to_json())


@pytest.mark.slow
def test_a_pickled_model_is_read_in_another_process(tmp_path):
    model = build(keras2.load("2.2.4"))
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    program = (
        "import pickle, sys\n"
        "model = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(model.to_json(), type(model.optimizer).__name__)"
    )
    path = str(tmp_path / "model.pkl")
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == f"{model.to_json()} Adam"


@pytest.mark.parametrize("version", VERSIONS)
def test_layers_without_a_call_are_named_in_the_warning(version, tmp_path):
    keras = VERSIONS[version]()
    again = keras.models.Sequential([layers.Dense(2, input_shape=(3,))])
    with pytest.warns(UserWarning, match=r"layer '.*' \(.*\) was not created by a class of Keras"):
        again.save(tmp_path / "model.h5")
