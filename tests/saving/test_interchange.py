"""Files of Keras are read, and Keras reads ours."""

import io
import zipfile

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu.saving.storage_keys import collect_weights_by_key
from tests.sampling import slow_except
from tests.saving.models import MODELS, close, convolutions, dense, floats

# Keras's classes of ops keep arguments where ours have none, so that it does not read our nodes.
OURS_TO_KERAS = [name for name in MODELS if name not in ("ops_nodes", "attention")]


def changed(model):
    rng = np.random.default_rng(1)
    values = [rng.uniform(0.1, 1, w.shape).astype(w.dtype) for w in model.get_weights()]
    model.set_weights(values)
    return model


def tolerance(name):
    # Keras computes op by op; a compiled program rounds to bfloat16 at other places.
    return (1e-2, 1e-3) if name == "short_floats" else (1e-4, 1e-5)


@pytest.mark.parametrize("name", slow_except(MODELS, ["dense", "convolutions"]))
def test_a_model_of_keras_is_read(name, tmp_path):
    make, x = MODELS[name]
    theirs = changed(make(keras))
    theirs.save(tmp_path / "theirs.keras")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    expected = theirs(x)
    whole = cornu.models.load_model(tmp_path / "theirs.keras")
    close(whole(x), expected, *tolerance(name))
    own = make(cornu)
    own.load_weights(tmp_path / "theirs.weights.h5")
    close(own(x), expected, *tolerance(name))


@pytest.mark.parametrize("name", slow_except(MODELS, ["dense", "convolutions"]))
def test_keras_reads_ours(name, tmp_path):
    make, x = MODELS[name]
    ours = changed(make(cornu))
    ours.save(tmp_path / "ours.keras")
    ours.save_weights(tmp_path / "ours.weights.h5")
    expected = ours(x)
    own = make(keras)
    own.load_weights(tmp_path / "ours.weights.h5")
    close(own(x), expected, *tolerance(name))
    if name in OURS_TO_KERAS:
        whole = keras.models.load_model(tmp_path / "ours.keras")
        close(whole(x), expected, *tolerance(name))


def test_layers_of_keras_follow_the_phase_of_the_model(tmp_path):
    """Keras writes a phase to every call of a layer, and passes that of the model when it runs."""
    x = floats(32, 16)
    for given in ({}, {"training": False}, {"training": True}):
        inputs = keras.Input((16,))
        normalized = keras.layers.BatchNormalization()(inputs, **given)
        theirs = keras.Model(inputs, keras.layers.Dropout(0.5)(normalized, **given))
        theirs.save(tmp_path / "theirs.keras")
        for ours in (
            cornu.models.load_model(tmp_path / "theirs.keras"),
            cornu.models.model_from_json(theirs.to_json()),
        ):
            close(ours(x, training=False), theirs(x, training=False))
            before = ours.get_weights()
            dropped = np.mean(np.asarray(ours(x, training=True)) == 0)
            assert 0.3 < dropped < 0.7
            moved = [
                not np.array_equal(a, b) for a, b in zip(before, ours.get_weights(), strict=True)
            ]
            assert sum(moved) == 2


def test_training_goes_on_in_the_other_library(tmp_path):
    x, y = floats(8, 4), floats(8, 2)

    def train(model):
        model.fit(x, y, batch_size=4, epochs=2, shuffle=False, verbose=0)

    theirs = dense(keras)
    theirs.compile(keras.optimizers.AdamW(0.01), "mse", metrics=["mae"])
    train(theirs)
    theirs.save(tmp_path / "theirs.keras")
    ours = cornu.models.load_model(tmp_path / "theirs.keras")
    train(theirs)
    train(ours)
    close(ours.get_weights(), theirs.get_weights())
    ours.save(tmp_path / "ours.keras")
    back = keras.models.load_model(tmp_path / "ours.keras")
    train(back)
    train(ours)
    close(back.get_weights(), ours.get_weights())


def test_an_optimizer_state_that_does_not_fit_is_reset(tmp_path):
    model = dense(cornu)
    model.compile("adam", "mse")
    model.fit(floats(4, 4), floats(4, 2), verbose=0)
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as old:
        config = old.read("config.json").decode()
        weights = old.read("model.weights.h5")
    with zipfile.ZipFile(tmp_path / "sgd.keras", "w") as new:
        new.writestr("config.json", config.replace('"amsgrad": false', '"amsgrad": true'))
        new.writestr("model.weights.h5", weights)
    with pytest.warns(UserWarning, match="The optimizer starts with a new state"):
        other = cornu.models.load_model(tmp_path / "sgd.keras")
    assert int(other.optimizer.iterations) == 0
    close(other.get_weights(), model.get_weights(), rtol=0)


def written_by_keras(model, path):
    model.save_weights(path)
    found = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda place, item: (
                found.update({place: item.shape}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def own_kind(k):
    class Parts(k.Model):
        """Attributes before and after "layers" in the alphabet, private ones, and containers."""

        def __init__(self):
            super().__init__()
            self.out = k.layers.Dense(1)
            self._private = k.layers.Dense(2)
            self.block = k.Sequential([k.layers.Dense(2), k.layers.Dense(3)])
            self.steps = [k.layers.Dense(2), [k.layers.Dense(3), (k.layers.Dense(4),)]]
            self.named = {"b": k.layers.Dense(2), "a": k.layers.BatchNormalization()}
            self.tied = self.out

        def call(self, x):
            x = self._private(self.block(x))
            for layer in (self.steps[0], self.steps[1][0], self.steps[1][1][0]):
                x = layer(x)
            return self.out(self.named["a"](self.named["b"](x)))

    return Parts()


def functional_with_attributes(k):
    class Extra(k.Model):
        def __init__(self):
            inputs = k.Input((3,))
            first = k.layers.Dense(2)
            super().__init__(inputs, k.layers.Dense(1)(first(inputs)))
            self.a_first = first

    return Extra()


@pytest.mark.parametrize("make", [own_kind, functional_with_attributes])
def test_weight_paths_of_subclassed_models_equal_keras(make, tmp_path):
    x = floats(2, 3)
    theirs, ours = make(keras), make(cornu)
    theirs(x), ours(x)
    expected = written_by_keras(theirs, tmp_path / "theirs.weights.h5")
    assert {place: v.shape for place, v in collect_weights_by_key(ours).items()} == expected
    ours.load_weights(tmp_path / "theirs.weights.h5")
    close(ours(x), theirs(x))


def test_an_archive_has_the_members_of_keras(tmp_path):
    for k, name in ((cornu, "ours"), (keras, "theirs")):
        convolutions(k).save(tmp_path / f"{name}.keras")
    members = []
    for name in ("ours", "theirs"):
        with zipfile.ZipFile(tmp_path / f"{name}.keras") as archive:
            found: list[str] = []
            with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
                file.visit(found.append)
            arrays = {place for place in found if place.rpartition("/")[2].isdigit()}
            members.append((archive.namelist(), arrays))
    assert members[0] == members[1]
