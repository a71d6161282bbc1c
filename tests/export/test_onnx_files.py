"""ONNX files with external data: the weights of large models, in a second file."""

import os

import numpy as np
import onnx
import pytest

import cornu
from cornu import layers
from cornu.export.onnx import model_file

X = np.random.default_rng(0).normal(size=(3, 40)).astype("float32")


@pytest.fixture(scope="module")
def model():
    inputs = cornu.Input((40,), name="x")
    return cornu.Model(inputs, layers.Dense(50, name="y")(layers.Dense(30, "relu")(inputs)))


def export(model, path, **options):
    model.export(path, format="onnx", verbose=False, **options)
    return path


@pytest.fixture
def pair(model, tmp_path):
    return export(model, tmp_path / "model.onnx", external_data=True)


def test_external_data(model, pair, monkeypatch):
    # Of a file of the same name in the current directory, nothing is read.
    other = pair.parent / "elsewhere"
    other.mkdir()
    (other / "model.onnx.data").write_bytes(bytes(100_000))
    monkeypatch.chdir(other)
    assert sorted(os.listdir(pair.parent)) == ["elsewhere", "model.onnx", "model.onnx.data"]
    assert pair.stat().st_size < 4096 < pair.with_name("model.onnx.data").stat().st_size
    onnx.checker.check_model(str(pair), full_check=True)
    weights = onnx.load(pair).graph.initializer  # reads both files
    kernel = next(onnx.numpy_helper.to_array(w) for w in weights if w.name == "y/kernel")
    np.testing.assert_array_equal(kernel, model.get_layer("y").kernel)
    np.testing.assert_allclose(cornu.export.load(pair)(X), model(X), rtol=1e-5, atol=1e-6)


def test_the_limit_decides(model, tmp_path, monkeypatch):
    monkeypatch.setattr(model_file, "MOST_BYTES", 4 * 40 * 30)
    path = export(model, tmp_path / "model.onnx")
    assert path.with_name("model.onnx.data").exists()
    np.testing.assert_allclose(cornu.export.load(path)(X), model(X), rtol=1e-5, atol=1e-6)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="external_data=False"):
        export(model, path, external_data=False)
    assert path.read_bytes() == before
    monkeypatch.undo()
    assert os.listdir(export(model, tmp_path / "small" / "model.onnx").parent) == ["model.onnx"]


def test_files_of_different_exports_are_refused(model, pair):
    first = pair.read_bytes()
    export(model, pair, external_data=True)
    cornu.export.load(pair)
    pair.write_bytes(first)
    with pytest.raises(ValueError, match="different exports"):
        cornu.export.load(pair)


def test_a_failed_export_leaves_both_files(model, pair, monkeypatch):
    def fail(arrays, file, name):
        file.write(b"part")
        raise OSError(28, "No space left on device")
        yield

    before = {path: path.read_bytes() for path in pair.parent.iterdir()}
    monkeypatch.setattr(model_file, "_write_arrays", fail)
    with pytest.raises(OSError, match="No space left"):
        export(model, pair, external_data=True)
    assert {path: path.read_bytes() for path in pair.parent.iterdir()} == before


def test_external_data_is_a_bool(model, tmp_path):
    with pytest.raises(TypeError, match="external_data must be a bool"):
        export(model, tmp_path / "model.onnx", external_data="all")


LOCATIONS = ("../secret", "/etc/passwd", "", ".", "sub/model.onnx.data")


@pytest.mark.parametrize("location", LOCATIONS)
def test_files_elsewhere_are_not_opened(location, pair):
    def rename(message):
        for tensor in model_file.external_tensors(message):
            for entry in tensor.external_data:
                if entry.key == "location":
                    entry.value = location

    message = onnx.load_model_from_string(pair.read_bytes())
    rename(message)
    pair.write_bytes(message.SerializeToString())
    with pytest.raises(ValueError, match="not beside it. It was not opened"):
        cornu.export.load(pair)


def test_external_data_within_attributes_is_found(model, pair):
    message = onnx.load_model_from_string(pair.read_bytes())
    tensor = next(t for t in message.graph.initializer if t.external_data)
    node = message.graph.node.add(op_type="Constant", output=[tensor.name])
    node.attribute.add(name="value", type=onnx.AttributeProto.TENSOR).t.CopyFrom(tensor)
    before = len(model_file.external_tensors(message))
    message.graph.initializer.remove(tensor)
    assert len(model_file.external_tensors(message)) == before - 1
    found = [t for t in model_file.external_tensors(message) if t.name == tensor.name]
    assert len(found) == 1


def test_missing_and_damaged_data(pair):
    data = pair.with_name("model.onnx.data")
    content = data.read_bytes()
    for end in (100, 0):
        data.write_bytes(content[:end])
        with pytest.raises(ValueError, match="fewer than the model needs"):
            cornu.export.load(pair)
    data.unlink()
    with pytest.raises(FileNotFoundError, match="Copy both files"):
        cornu.export.load(pair)
