"""SavedModels, which TensorFlow computes."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.export.saved_model import atomic_directory

RNG = np.random.default_rng(0)


def several():
    a, b = cornu.Input((3,), name="a"), cornu.Input((None, 3), name="b")
    total = layers.Dense(2, name="total")(layers.LSTM(4)(b))
    return cornu.Model([a, b], [total, layers.BatchNormalization(name="norm")(a)])


def normal(*shape):
    return RNG.normal(size=shape).astype("float32")


@pytest.fixture(scope="module")
def tensorflow():
    return pytest.importorskip("tensorflow", reason="TensorFlow is not installed")


@pytest.mark.slow  # importing TensorFlow takes ten seconds
def test_a_model_by_names_and_by_order(tensorflow, tmp_path):
    model = several()
    model.export(tmp_path / "model", verbose=False)
    program = cornu.export.load(tmp_path / "model")
    shapes = {d.name: d.shape for d in program.inputs}
    assert shapes == {"a": (None, 3), "b": (None, None, 3)}
    loaded = tensorflow.saved_model.load(str(tmp_path / "model"))
    for rows in (1, 4):
        a, b = normal(rows, 3), normal(rows, 2 + rows, 3)
        expected = model([a, b])
        found = program({"a": a, "b": b})
        for outputs in (found, loaded.serve(a, b)):
            for name, target in zip(("total", "norm"), expected, strict=True):
                np.testing.assert_allclose(outputs[name], target, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_an_archive_with_two_endpoints(tensorflow, tmp_path):
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2), layers.Rescaling(2.0)])
    spec = cornu.InputSpec(shape=(None, 3), dtype="float32")
    archive = cornu.export.ExportArchive()
    archive.track_and_add_endpoint("serve", model, [spec])
    archive.add_endpoint("first", model.layers[0].__call__, [spec])
    archive.add_variable_collection("kernels", [model.layers[0].kernel])
    assert len(archive.variables) == len(archive.trainable_variables) == 2
    assert not archive.non_trainable_variables
    archive.write_out(tmp_path / "archive", verbose=False)
    loaded = tensorflow.saved_model.load(str(tmp_path / "archive"))
    x = normal(4, 3)
    np.testing.assert_allclose(loaded.serve(x), model(x), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(loaded.first(x), model.layers[0](x), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(loaded.kernels[0], model.layers[0].kernel.value)


def test_directories_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "model"
    with pytest.raises(OSError, match="full"), atomic_directory(path) as folder:
        (folder / "variables").mkdir(parents=True)
        raise OSError("full")
    assert not list(tmp_path.iterdir())

    for text in ("first", "second"):
        with atomic_directory(path) as folder:
            (folder / "variables").mkdir(parents=True)
            (folder / "variables" / "data").write_text(text)
            (folder / "saved_model.pb").write_text(text)
        assert (path / "variables" / "data").read_text() == text
        assert (path / "saved_model.pb").read_text() == text
        (path / "notes").write_text("kept")
    assert sorted(p.name for p in path.iterdir()) == ["notes", "saved_model.pb", "variables"]
    with pytest.raises(NotADirectoryError, match="is a file"), atomic_directory(path / "notes"):
        pass


def test_what_an_archive_refuses(tmp_path):
    archive = cornu.export.ExportArchive()
    with pytest.raises(ValueError, match="no endpoints"):
        archive.write_out(tmp_path / "archive")
    with pytest.raises(ValueError, match="expects a layer or model"):
        archive.track(3)
    with pytest.raises(ValueError, match="is not built"):
        archive.track(layers.Dense(2))
    with pytest.raises(ValueError, match="needs an input_signature"):
        archive.add_endpoint("serve", abs)
    with pytest.raises(ValueError, match="format"):
        cornu.export.ExportArchive("neptune_model")
