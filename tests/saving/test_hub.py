"""Addresses hf://: models and weights of a stand-in for the hub on this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.saving.hub import download, upload
from cornu.saving.hub.address import parse_address
from tests.saving.hub_server import serve_hub, sha256

hub = pytest.importorskip("huggingface_hub")

X = np.ones((2, 3), "float32")


@pytest.fixture(scope="module")
def running():
    with serve_hub() as server:
        yield server


@pytest.fixture
def server(running, monkeypatch, tmp_path):
    """Returns the server, with no repositories, and an empty cache."""
    running.repositories, running.replaced, running.status = {}, {}, None
    running.requests.clear()
    settings = {
        "ENDPOINT": running.address,
        "HUGGINGFACE_CO_URL_TEMPLATE": running.address + "/{repo_id}/resolve/{revision}/{filename}",
        "HF_HUB_CACHE": str(tmp_path / "cache"),
    }
    for name, value in {**settings, "HF_HUB_DISABLE_PROGRESS_BARS": True}.items():
        monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
    monkeypatch.setenv("HF_TOKEN", "hf_test")
    return running


def make_model():
    return cornu.Sequential([cornu.Input((3,)), layers.Dense(16, name="fc"), layers.Dense(2)])


@pytest.fixture(scope="module")
def model():
    model = make_model()
    model.compile("adam", "mse")
    return model


@pytest.fixture(scope="module")
def archive(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path.read_bytes()


def assert_same(one, other):
    np.testing.assert_array_equal(one.predict(X, verbose=0), other.predict(X, verbose=0))


def test_a_model_is_saved_and_loaded(server, model, capsys):
    model.save("hf://owner/repo")
    assert "hf://owner/repo" in capsys.readouterr().out
    files = server.repositories["owner/repo"]
    assert set(files) == {"README.md", "config.json", "metadata.json", "model.weights.h5"}
    assert b"library_name: keras" in files["README.md"]
    other = cornu.models.load_model("hf://owner/repo")
    assert_same(other, model)
    assert type(other.optimizer).__name__ == "Adam"
    with pytest.raises(ValueError, match="Omit zipped=True"):
        model.save("hf://owner/repo", zipped=True)


@cornu.saving.register_keras_serializable("test_hub")
class Noted(layers.Layer):
    """A layer that stores a file of its own."""

    note = ""

    def call(self, inputs):
        return inputs

    def save_assets(self, dir_path):
        Path(dir_path, "note.txt").write_text(self.note)

    def load_assets(self, dir_path):
        self.note = Path(dir_path, "note.txt").read_text()


def test_models_with_files_of_layers(server):
    noted = cornu.Sequential([cornu.Input((3,)), Noted(name="noted"), layers.Dense(2)])
    noted.layers[0].note = "here"
    noted.save("hf://owner/noted", weights_format="safetensors")
    assert any(name.startswith("assets/") for name in server.repositories["owner/noted"])
    other = cornu.models.load_model("hf://owner/noted@v1")
    assert other.layers[0].note == "here"
    assert_same(other, noted)


@pytest.mark.slow
def test_keras_reads_the_folder(tmp_path):
    import keras

    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    model.save(tmp_path / "folder", zipped=False)
    other = keras.saving.load_model(tmp_path / "folder")
    np.testing.assert_allclose(other.predict(X, verbose=0), model(X), rtol=1e-5, atol=1e-6)
    other.save(str(tmp_path / "keras"), zipped=False)
    assert_same(cornu.models.load_model(tmp_path / "keras"), model)


def test_folders_are_replaced_and_links_are_refused(model, tmp_path):
    model.save(tmp_path / "folder", zipped=False, weights_format="safetensors")
    model.save(tmp_path / "folder", zipped=False)
    assert_same(cornu.models.load_model(tmp_path / "folder"), model)
    weights = tmp_path / "folder" / "model.weights.h5"
    weights.rename(tmp_path / "elsewhere.h5")
    weights.symlink_to(tmp_path / "elsewhere.h5")
    with pytest.raises(ValueError, match="is a symbolic link"):
        cornu.models.load_model(tmp_path / "folder")


def test_files_are_chosen(server, model, archive, tmp_path):
    model.save_weights(tmp_path / "w.safetensors")
    weights = (tmp_path / "w.safetensors").read_bytes()
    server.repositories = {
        "o/archive": {"README.md": b"", "m.keras": archive},
        "o/two": {"a.keras": archive, "b.keras": archive},
        "o/weights": {"model.safetensors": weights, "other.keras": archive},
        "o/none": {"README.md": b"", "config.json": b"{}"},
    }
    assert_same(cornu.models.load_model("hf://o/archive"), model)
    assert_same(cornu.models.load_model("hf://o/two@v1/b.keras"), model)
    for address in ("hf://o/weights", "hf://o/archive"):
        other = make_model()
        other.load_weights(address)
        assert_same(other, model)
    for address, error, text in (
        ("hf://o/two", ValueError, "several files '*.keras': 'a.keras', 'b.keras'. Choose one"),
        ("hf://o/none", FileNotFoundError, "It has: 'README.md', 'config.json'"),
        ("hf://o/two/c.keras", FileNotFoundError, "Did you mean 'a.keras' or 'b.keras'?"),
        ("hf://o/nothing", FileNotFoundError, "has no model 'o/nothing' that you may read"),
        ("hf://o/two@v2", FileNotFoundError, "has no revision 'v2'"),
    ):
        with pytest.raises(error) as caught:
            cornu.models.load_model(address)
        assert text in str(caught.value)


def test_digests(server, model, archive):
    server.repositories = {"o/r": {"m.keras": archive}}
    commit = server.commit("o/r")
    address = f"hf://o/r@{commit}/m.keras"
    assert_same(cornu.models.load_model(f"{address}#sha256={sha256(archive)}"), model)
    with pytest.raises(ValueError, match="does not have the expected contents"):
        cornu.models.load_model(f"{address}#sha256={'0' * 64}")
    model.save("hf://o/folder")
    with pytest.raises(ValueError, match="Pin the commit instead"):
        cornu.models.load_model(f"hf://o/folder#sha256={'0' * 64}")


def test_contents_that_differ_from_what_the_hub_states(server, archive):
    server.repositories = {"o/r": {"m.keras": archive}}
    damaged = bytearray(archive)
    damaged[len(damaged) // 2] ^= 1
    server.replaced = {"m.keras": bytes(damaged)}
    with pytest.raises(ValueError, match="Expected sha256 .*, received"):
        cornu.models.load_model("hf://o/r")


def test_without_a_connection_the_cache_is_used(server, model, archive, monkeypatch):
    server.repositories = {"o/r": {"m.keras": archive}, "o/other": {"m.keras": archive}}
    cornu.models.load_model("hf://o/r")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
    assert_same(cornu.models.load_model("hf://o/r"), model)
    with pytest.raises(ConnectionError, match="http://127.0.0.1:9 cannot be reached"):
        cornu.models.load_model("hf://o/other")
    # A file in the cache that was changed.
    cache = Path(hub.constants.HF_HUB_CACHE) / "models--o--r" / "blobs"
    blob = next(cache.iterdir())
    blob.write_bytes(blob.read_bytes()[:-1])
    with pytest.raises(ValueError, match="delete"):
        cornu.models.load_model("hf://o/r")


def test_weights_of_other_libraries(server, tmp_path):
    from safetensors.numpy import save_file

    net = cornu.Sequential([cornu.Input((3,)), layers.Dense(2, name="fc"), layers.Dense(2)])
    state = {"fc.weight": np.ones((2, 3), "float32"), "head.weight": np.eye(2, dtype="float32")}
    files = {}
    for name, key in (("a", "fc.weight"), ("b", "head.weight")):
        save_file({key: state[key]}, tmp_path / "x")
        files[f"{name}.safetensors"] = (tmp_path / "x").read_bytes()
    table = {"fc.weight": "a.safetensors", "head.weight": "b.safetensors"}
    index = json.dumps({"weight_map": table}).encode()
    server.repositories["o/torch"] = {**files, "model.safetensors.index.json": index}
    with pytest.raises(ValueError, match="This loads weights of torch: cornu.export.load_state"):
        net.load_weights("hf://o/torch/a.safetensors")
    report = cornu.export.load_state_dict(net, "hf://o/torch", {"fc": "fc", "dense": "head"})
    assert report.complete
    np.testing.assert_array_equal(net.predict(X, verbose=0), np.full((2, 2), 3.0))
    for name, text in (
        ("../a.safetensors", "has no table 'weight_map'"),
        ("c.safetensors", "there is no file 'c.safetensors'"),
    ):
        table["fc.weight"] = name
        index = json.dumps({"weight_map": table}).encode()
        server.repositories["o/torch"]["model.safetensors.index.json"] = index
        with pytest.raises((ValueError, FileNotFoundError), match=text):
            cornu.export.load_state_dict(net, "hf://o/torch")


def test_the_hub_refuses(server, model, monkeypatch):
    for status, error in ((401, PermissionError), (400, ConnectionError), (500, ConnectionError)):
        server.status = status
        with pytest.raises(error):
            cornu.models.load_model("hf://owner/private")
    for status, error in ((403, PermissionError), (400, ConnectionError)):
        server.status = status
        with pytest.raises(error):
            model.save("hf://owner/repo")
    with pytest.raises(ValueError, match="its files get the names of Keras"):
        model.save("hf://owner/repo/model.keras")


HOSTILE = [
    "hf://",
    "hf://owner",
    "hf://../../etc/passwd",
    "hf://owner/..",
    "hf://owner/repo/../../x.keras",
    "hf://owner/repo//etc/passwd",
    "hf://owner/repo/a\\b.keras",
    "hf://owner/repo/C:x.keras",
    "hf://owner/repo/a\nb",
    "hf://owner/repo.git",
    "hf://own er/repo",
    "hf://owner/re--po",
    "hf://owner/repo\n",
    "hf://-owner/repo",
    "hf://user:password@host/repo",
    "hf://owner/repo@",
    "hf://owner/repo@refs/../../x",
    "hf://owner/repo@../main",
    "hf://owner/repo@main?x=1",
    "hf://owner/repo#md5=0",
    "hf://owner/repo#sha256=0",
    "hf://owner/" + "x" * 200,
    "hf://оwner/repo",  # noqa: RUF001  # a Cyrillic letter
]


@pytest.mark.parametrize("address", HOSTILE)
def test_hostile_addresses(server, address):
    server.requests.clear()
    with pytest.raises(ValueError):
        parse_address(address)
    with pytest.raises(ValueError):
        cornu.models.load_model(address)
    assert not server.requests


def test_hostile_names_of_files_are_left_out(server, archive, tmp_path):
    server.repositories["o/r"] = {"../../../x.keras": archive, "/etc/x.keras": archive}
    with pytest.raises(FileNotFoundError, match=r"It has: \."):
        cornu.models.load_model("hf://o/r")
    assert [request for request in server.requests if "resolve" in request] == []


def test_without_the_package(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match=r"pip install 'cornu\[hub\]'"):
        cornu.models.load_model("hf://owner/repo")
    with pytest.raises(ImportError, match=r"pip install 'cornu\[hub\]'"):
        upload.upload_model("hf://owner/repo", tmp_path)
    assert download.local_weights(tmp_path) == tmp_path


@pytest.mark.slow
def test_a_program_with_the_endpoint_in_its_environment(server, model, archive, tmp_path):
    server.repositories["o/r"] = {"m.keras": archive}
    program = "import cornu; print(cornu.models.load_model('hf://o/r').layers[0].name)"
    env = {**os.environ, "HF_ENDPOINT": server.address, "HF_HOME": str(tmp_path)}
    env.pop("HF_HUB_CACHE", None)
    found = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    )
    assert found.stdout == "fc\n"
