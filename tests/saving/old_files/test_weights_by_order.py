"""Weights of files of Keras 2, whose layers are matched in order."""

import h5py
import keras
import numpy as np
import pytest
from keras.src.legacy.saving import legacy_h5_format

import cornu


def network(library, units=3, prefix="", frozen=False):
    layers = library.layers
    x = library.Input((8, 2))
    y = layers.LSTM(4, return_sequences=True, name=f"{prefix}lstm")(x)
    y = layers.Dropout(0.5)(y)
    y = layers.BatchNormalization(name=f"{prefix}norm", trainable=not frozen)(y)
    inner = library.Sequential(
        [library.Input((8, 4)), layers.Conv1D(units, 3), layers.BatchNormalization()],
        name=f"{prefix}inner",
    )
    y = layers.Dense(2, name=f"{prefix}head")(layers.GlobalAveragePooling1D()(inner(y)))
    return library.Model(x, y)


def write(path, model, group=None, attributes=()):
    with h5py.File(path, "w") as file:
        target = file if group is None else file.create_group(group)
        legacy_h5_format.save_weights_to_hdf5_group(target, model)
        if group is not None:
            file.create_group("optimizer_weights").create_dataset("iteration:0", data=3)
    return path


X = np.random.default_rng(0).normal(size=(3, 8, 2)).astype("float32")


def randomize(model):
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 0.9, w.shape) for w in model.get_weights()])


@pytest.mark.parametrize("frozen", [False, True], ids=["trained", "frozen"])
@pytest.mark.parametrize("group", [None, "model_weights"], ids=["weights", "whole_model"])
def test_weights_of_keras_are_loaded(tmp_path, group, frozen):
    theirs = network(keras, frozen=frozen)
    randomize(theirs)
    path = write(tmp_path / "weights.h5", theirs, group)
    ours = network(cornu, prefix="another_", frozen=frozen)  # names need not be equal
    ours.load_weights(path)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X, verbose=0), rtol=1e-5)


def test_differences_are_reported_and_nothing_changes(tmp_path):
    theirs = network(keras)
    randomize(theirs)
    path = write(tmp_path / "weights.h5", theirs)
    ours = network(cornu, units=5)
    before = ours.get_weights()
    with pytest.raises(ValueError, match=r"has shape \(3, 4, 5\), the array in the file \(3, 4, 3"):
        ours.load_weights(path)
    for a, b in zip(before, ours.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="Did not load"):
        ours.load_weights(path, skip_mismatch=True)
    np.testing.assert_allclose(ours.get_weights()[0], theirs.get_weights()[0])
    small = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1, name="only")])
    with pytest.raises(ValueError, match="4 layers with weights, the model has 1") as caught:
        small.load_weights(path)
    assert "'lstm', 'norm', 'inner', 'head'" in str(caught.value) and "'only'" in str(caught.value)
    without_bias = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1, use_bias=False)])
    dense = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="has 1 weight, 'dense.*' in the file has 2"):
        without_bias.load_weights(write(tmp_path / "dense.h5", dense))


def test_layers_are_matched_by_name(tmp_path):
    theirs = network(keras)
    randomize(theirs)
    path = write(tmp_path / "weights.h5", theirs)
    found = []
    for library in (cornu, keras):
        x = library.Input((8, 2))
        y = library.layers.LSTM(4, name="lstm")(x)
        y = library.layers.Dense(2, name="new", kernel_initializer="ones")(y)
        model = library.Model(x, y)
        model.load_weights(path, by_name=True)
        found.append(model.get_weights())
    for ours, expected in zip(*found, strict=True):
        np.testing.assert_array_equal(ours, expected)


def test_layers_of_one_name_that_differ(tmp_path):
    path = write(tmp_path / "weights.h5", network(keras))
    for head, message in (
        (cornu.layers.Dense(3, name="head"), "has shape"),
        (cornu.layers.Dense(2, use_bias=False, name="head"), "has 1 weight, 'head' in the file"),
        (cornu.layers.Dense(3, name="other"), "No layer of the model has the name"),
    ):
        model = cornu.Sequential([cornu.Input((3,)), head])
        before = model.get_weights()
        with pytest.raises(ValueError, match=message):
            model.load_weights(path, by_name=True)
        if head.name == "head":
            with pytest.warns(UserWarning, match="Did not load"):
                model.load_weights(path, by_name=True, skip_mismatch=True)
        np.testing.assert_array_equal(model.get_weights()[0], before[0])
    model.save_weights(tmp_path / "new.weights.h5")
    with pytest.raises(ValueError, match="by_name=True is for .h5 files of Keras 2"):
        model.load_weights(tmp_path / "new.weights.h5", by_name=True)


def test_damaged_lists_of_names_are_errors(tmp_path):
    path = write(tmp_path / "weights.h5", network(keras))
    ours = network(cornu)
    with h5py.File(path, "a") as file:
        file["head"].attrs["weight_names"] = [b"head/kernel:0", b"none:0"]
    with pytest.raises(ValueError, match="has no array"):
        ours.load_weights(path)
    with h5py.File(path, "a") as file:
        del file["head"]
    with pytest.raises(ValueError, match="has no group of layer 'head'"):
        ours.load_weights(path)
