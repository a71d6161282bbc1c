"""Layers that decide themselves which arrays and files hold their state."""

import os
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

import cornu
from cornu.models import load_model
from tests.saving.models import close, floats

FORMATS = (".weights.h5", ".npz", ".safetensors")
X = floats(2, 3)


def make_class(k):
    @k.saving.register_keras_serializable("own_storage")
    class Packed(k.layers.Layer):
        """Keeps two weights in one array, and a text in a file."""

        text = ""

        def build(self, input_shape):
            self.factor = self.add_weight(shape=(3,), name="factor")
            self.offset = self.add_weight(shape=(3,), name="offset")

        def call(self, inputs):
            return inputs * self.factor + self.offset

        def save_own_variables(self, store):
            store["both"] = np.stack([np.asarray(self.factor), np.asarray(self.offset)])

        def load_own_variables(self, store):
            factor, offset = store["both"]
            self.factor.assign(factor)
            self.offset.assign(offset)

        def save_assets(self, dir_path):
            Path(dir_path, "text.txt").write_text(self.text)

        def load_assets(self, dir_path):
            self.text = Path(dir_path, "text.txt").read_text()

    return Packed


def make(k, cls):
    inner = k.Sequential([k.Input((3,)), cls(), k.layers.Dense(3)])
    inputs = k.Input((3,))
    model = k.Model(inputs, cls()(inner(inputs)))
    model.set_weights([floats(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
    model.layers[2].text, inner.layers[0].text = "outer", "inner"
    return model


def test_both_libraries_store_the_same(tmp_path):
    classes = {k: make_class(k) for k in (cornu, keras)}
    for source in classes:
        model = make(source, classes[source])
        model.save(tmp_path / "m.keras")
        model.save_weights(tmp_path / "w.weights.h5")
        for target, cls in classes.items():
            loaded = target.models.load_model(tmp_path / "m.keras")
            close(loaded(X), model(X))
            assert [loaded.layers[2].text, loaded.layers[1].layers[0].text] == ["outer", "inner"]
            other = make(target, cls)
            other.load_weights(tmp_path / "w.weights.h5")
            close(other(X), model(X))


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_uses_the_layers_own_storage(ending, tmp_path):
    cls = make_class(cornu)
    model, other = make(cornu, cls), make(cornu, cls)
    other.set_weights([w * 0 for w in other.get_weights()])
    model.save_weights(tmp_path / f"w{ending}")
    other.load_weights(tmp_path / f"w{ending}")
    close(other(X), model(X))


def test_errors_of_the_layer_are_named(tmp_path):
    class Packed(make_class(cornu)):
        def load_own_variables(self, store):
            raise KeyError("more")

    make(cornu, make_class(cornu)).save_weights(tmp_path / "w.weights.h5")
    other = make(cornu, Packed)
    with pytest.raises(ValueError, match=r"Packed .*could not load.*\['both'\]: KeyError: 'more'"):
        other.load_weights(tmp_path / "w.weights.h5")
    with pytest.warns(UserWarning, match="could not load"):
        other.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)


def test_only_one_of_the_methods_may_be_overridden(tmp_path):
    class Halved(cornu.layers.Dense):
        def load_own_variables(self, store):
            super().load_own_variables({name: array / 2 for name, array in store.items()})

    def stack(cls):
        return cornu.Sequential([cornu.Input((3,)), cls(2, name="dense")])

    model = stack(cornu.layers.Dense)
    model.save(tmp_path / "m.keras")
    other = load_model(tmp_path / "m.keras", {"Dense": Halved})
    close(other(X), np.asarray(model(X)) / 2)


@pytest.mark.parametrize("name", ["../evil.txt", "a/../../evil.txt", "a\\evil.txt", "C:evil.txt"])
def test_files_of_an_archive_stay_in_their_folder(name, tmp_path):
    model = make(cornu, make_class(cornu))
    model.save(tmp_path / "m.keras")
    with zipfile.ZipFile(tmp_path / "m.keras", "a") as archive:
        archive.writestr(f"assets/layers/packed/{name}", "evil")
    before = set(os.listdir(tmp_path))
    with pytest.raises(ValueError, match="not a plain path"):
        load_model(tmp_path / "m.keras")
    assert set(os.listdir(tmp_path)) == before


@pytest.mark.parametrize("mode", ["int", "multi_hot", "tf_idf"])
def test_vocabularies_that_keras_computed_are_read(mode, tmp_path):
    data = np.array([[3, 3, 5], [7, 3, 5]])
    for source, target in ((keras, cornu), (cornu, keras), (cornu, cornu)):
        lookup = source.layers.IntegerLookup(output_mode=mode)
        lookup.adapt(data)
        model = source.Sequential([source.Input((2,), dtype="int32"), lookup])
        model.save(tmp_path / "m.keras")
        loaded = target.models.load_model(tmp_path / "m.keras")
        x = np.array([[3, 5], [7, 9]])
        close(np.asarray(loaded(x)), np.asarray(model(x)))
