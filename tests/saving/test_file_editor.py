"""KerasFileEditor: files are shown, compared and changed, with the results of Keras."""

import h5py
import keras
import numpy as np
import pytest

import cornu
from cornu.saving import KerasFileEditor
from tests.conformance.faults import fault


def model_of(k, width=3):
    x = k.Input((4,))
    y = k.layers.Dense(width, name="hidden")(x)
    y = k.layers.BatchNormalization()(y)
    return k.Model(x, k.layers.Dense(2, use_bias=False, name="out")(y))


@pytest.fixture
def path(tmp_path):
    path = str(tmp_path / "small.weights.h5")
    model_of(cornu).save_weights(path)
    return path


def shapes(weights):
    return {k: shapes(v) if isinstance(v, dict) else v.shape for k, v in weights.items()}


def test_weights_are_those_that_keras_reads(tmp_path, capsys):
    model = model_of(keras)
    model.compile("adam", "mse")
    model.fit(np.ones((2, 4)), np.ones((2, 2)), verbose=0)
    for name in ("model.keras", "model.weights.h5"):
        path = str(tmp_path / name)
        model.save(path) if name.endswith(".keras") else model.save_weights(path)
        ours, theirs = KerasFileEditor(path), keras.saving.KerasFileEditor(path)
        assert shapes(ours.weights_dict) == shapes(theirs.weights_dict)
        assert ours.metadata == theirs.metadata and ours.config == theirs.config
        assert ours.object_metadata["/layers/dense"] == theirs.object_metadata["/layers/dense"]
        capsys.readouterr()
        ours.summary()
        text = capsys.readouterr().out
        assert "dense ('hidden')" in text and "0: shape=(4, 3), dtype=float32" in text
        theirs.summary()
        expected = capsys.readouterr().out.splitlines()
        assert [line.split(" (")[0] for line in text.splitlines()] == expected


def test_edits_are_those_of_keras(path, tmp_path):
    saved = []
    for i, editor in enumerate((KerasFileEditor(path), keras.saving.KerasFileEditor(path))):
        editor.rename_object("dense_1", "einsum_dense")
        editor.delete_object("layers/batch_normalization")
        editor.add_object("layers/conv2d", {"0": np.ones((2, 2)), "1": np.zeros(3)})
        editor.delete_weight("dense", "1")
        editor.add_weights("layers/einsum_dense", {"1": np.arange(2.0)})
        target = str(tmp_path / f"{i}.weights.h5")
        editor.resave_weights(target) if i else editor.save(target)
        saved.append(KerasFileEditor(target).weights_dict)
    assert shapes(saved[0]) == shapes(saved[1])
    assert list(saved[0]["layers"]) == ["conv2d", "dense", "einsum_dense"]
    np.testing.assert_array_equal(saved[0]["layers"]["einsum_dense"]["1"], [0, 1])


def test_compare(path, capsys):
    editor = KerasFileEditor(path)
    same = editor.compare(model_of(cornu))
    assert same == {"status": "success", "error_count": 0, "match_count": 7}
    assert "Found 7 matching weights" in capsys.readouterr().out
    other = editor.compare(model_of(cornu, width=5))
    assert (other["status"], other["error_count"], other["match_count"]) == ("error", 7, 0)
    assert "In saved file: shape=(4, 3)" in capsys.readouterr().out
    more = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(3)])
    found = editor.compare(more)
    assert (found["error_count"], found["match_count"]) == (2, 2)
    text = capsys.readouterr().out
    assert "Object /layers/dense_1 present in saved file, missing from reference model" in text


@fault("saving.KerasFileEditor")
def test_parts_of_nested_objects_are_read_and_weights_counted_once(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((4, 3)),
            keras.layers.Bidirectional(keras.layers.SimpleRNN(2)),
            keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)]),
            keras.layers.Dense(2),
        ]
    )
    path, again = str(tmp_path / "a.weights.h5"), str(tmp_path / "b.weights.h5")
    model.save_weights(path)
    ours, theirs = KerasFileEditor(path), keras.saving.KerasFileEditor(path)
    assert ours.weights_dict["layers"]["sequential"]["layers"]["dense"]["0"].shape == (4, 1)
    assert "sequential" not in theirs.weights_dict["layers"]
    ours.save(again)
    model.load_weights(again)
    flat = str(tmp_path / "c.weights.h5")
    plain = model_of(keras)
    plain.save_weights(flat)
    assert KerasFileEditor(flat).compare(model_of(cornu))["match_count"] == 7
    assert keras.saving.KerasFileEditor(flat).compare(plain)["match_count"] > 7


def test_a_file_that_was_edited_loads(path, tmp_path):
    editor = KerasFileEditor(path)
    editor.rename_object("layers/dense_1", "last")
    editor.rename_object("last", "dense_1")
    editor.save(tmp_path / "new.weights.h5")
    model = model_of(cornu)
    model.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(
        model.layers[-1].kernel, KerasFileEditor(path).weights_dict["layers"]["dense_1"]["0"]
    )


def test_weights_of_a_model_itself_and_of_bfloat16(tmp_path):
    class Net(cornu.Model):
        def __init__(self):
            super().__init__()
            self.scale = self.add_weight((2,), "ones", dtype="bfloat16")
            self.inner = cornu.layers.Dense(2)

        def call(self, x):
            return self.inner(x) * self.scale

    model = Net()
    model(np.ones((1, 2), "float32"))
    model.save_weights(tmp_path / "a.weights.h5")
    editor = KerasFileEditor(tmp_path / "a.weights.h5")
    assert editor.weights_dict["0"].dtype == "bfloat16"
    assert editor.compare(model)["match_count"] == 3
    editor.save(tmp_path / "b.weights.h5")
    model.load_weights(tmp_path / "b.weights.h5")


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda e: e.delete_object("dens"), "There is no object 'dens'.*Did you mean 'dense'"),
        (lambda e: e.delete_object("layers/x"), "There is no object 'layers/x'"),
        (lambda e: e.delete_object("x/y"), "There is no object 'x'"),
        (lambda e: e.delete_object("0"), "3 objects have the name '0'"),
        (lambda e: e.rename_object("dense", "a/b"), "must not be a path"),
        (lambda e: e.rename_object("dense", "dense_1"), "'dense_1' exists beside 'dense'"),
        (lambda e: e.delete_weight("dense", "7"), "no weight '7'. It has: 0, 1"),
        (lambda e: e.add_object("x/y", {"0": 1.0}), "There is no object 'x'"),
        (lambda e: e.add_object("y", [1.0]), "must be a dict of arrays"),
        (lambda e: e.add_weights("dense", {"0": "text"}), "must be an array of numbers"),
        (lambda e: e.add_weights("dense", {"a/b": 1.0}), "a string without '/'"),
        (lambda e: e.add_weights("layers/dense/0", {"1": 1.0}), "is a weight, not an object"),
        (lambda e: e.save("model.keras"), "must end in '.weights.h5'"),
        (lambda e: e.compare(cornu.Sequential()), "Expected a built model"),
    ],
)
def test_errors(path, edit, message):
    editor = KerasFileEditor(path)
    before = shapes(editor.weights_dict)
    with pytest.raises(ValueError, match=message):
        edit(editor)
    assert shapes(editor.weights_dict) == before


def test_files_of_strangers_are_refused(tmp_path):
    path = tmp_path / "link.weights.h5"
    with h5py.File(path, "w") as file:
        file["a/vars/0"] = h5py.ExternalLink("other.h5", "x")
    with pytest.raises(ValueError, match="is a link"):
        KerasFileEditor(path)
    path = tmp_path / "deep.weights.h5"
    with h5py.File(path, "w") as file:
        file["/".join("a" * 500)] = np.ones(1)
    with pytest.raises(ValueError, match="nested more than 100 objects deep"):
        KerasFileEditor(path)
    with pytest.raises(ValueError, match="must end in '.keras' or '.weights.h5'"):
        (tmp_path / "a.txt").write_text("x")
        KerasFileEditor(tmp_path / "a.txt")
    with pytest.raises(FileNotFoundError):
        KerasFileEditor(tmp_path / "missing.keras")
