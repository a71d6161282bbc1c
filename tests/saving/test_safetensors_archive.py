"""`.keras` archives with weights in safetensors: what they hold, who reads them, and damage."""

import io
import json
import struct
import zipfile

import ml_dtypes
import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

import cornu
from cornu.saving import KerasFileEditor, load_model
from cornu.saving.formats.safetensors import open_safetensors, write_safetensors
from tests.saving.models import close, floats

MEMBER = "model.safetensors"


@pytest.fixture
def model():
    inputs = cornu.Input((4,))
    x = cornu.layers.BatchNormalization()(cornu.layers.Dense(300)(inputs))
    made = cornu.Model(inputs, cornu.layers.Dense(2, dtype="bfloat16", name="head")(x))
    made.compile("adam", "mse")
    made.fit(floats(8, 4), floats(8, 2), verbose=0)
    return made


def same(one, other):
    pairs = zip(one.variables, other.variables, strict=True)
    return all(a.dtype == b.dtype and np.array_equal(a.numpy(), b.numpy()) for a, b in pairs)


def test_weights_and_the_state_of_the_optimizer_are_restored(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path, weights_format="safetensors")
    file = io.BytesIO()
    model.save(file, weights_format="safetensors")
    for source in (path, file):
        other = load_model(source)
        assert same(other, model) and same(other.optimizer, model.optimizer)
        close(other(floats(3, 4)), model(floats(3, 4)))
    again = load_model(path)
    again.set_weights([0 * w for w in again.get_weights()])
    again.load_weights(path)
    assert same(again, model)
    # The model does not depend on the file.
    path.write_bytes(bytes(path.stat().st_size))
    assert same(again, model)
    other.fit(floats(8, 4), floats(8, 2), verbose=0)


def test_other_programs_read_the_archive(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path, weights_format="safetensors")
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["metadata.json", "config.json", MEMBER]
        assert archive.getinfo(MEMBER).compress_type == zipfile.ZIP_STORED
        archive.extract(MEMBER, tmp_path)
    with safe_open(tmp_path / MEMBER, "np") as file:
        assert np.array_equal(file.get_tensor("layers/dense/vars/0"), model.get_weights()[0])
    whole, inner = path.read_bytes(), (tmp_path / MEMBER).read_bytes()
    # Both the member and the first array begin with a page.
    assert whole.index(inner) % 4096 == 0
    assert (8 + struct.unpack("<Q", inner[:8])[0]) % 4096 == 0
    editor = KerasFileEditor(path)
    editor.save(tmp_path / "w.weights.h5")
    model.load_weights(tmp_path / "w.weights.h5", skip_mismatch=True)


def rewrite(path, change, compression=zipfile.ZIP_STORED):
    """Replaces the member of the weights by what a function makes of it; its CRC is right."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in change(members).items():
            archive.writestr(name, data)


def test_a_compressed_member_is_read(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path, weights_format="safetensors")
    rewrite(path, lambda members: members, zipfile.ZIP_DEFLATED)
    assert same(load_model(path), model)


def test_a_member_that_another_library_wrote_is_read(model, tmp_path):
    path = tmp_path / "model.keras"
    model.save(path, weights_format="safetensors")
    rewrite(path, lambda members: {**members, MEMBER: without_checksums(members[MEMBER])})
    assert same(load_model(path), model)
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") - 20] ^= 1  # in the last member
    path.write_bytes(data)
    with pytest.raises(ValueError, match="damaged"):
        load_model(path)


def without_checksums(data):
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    del header["__metadata__"]
    text = json.dumps(header).encode().ljust(size)
    return data[:8] + text + data[8 + size :]


def _flip(members):
    data = bytearray(members[MEMBER])
    data[8 + struct.unpack("<Q", data[:8])[0]] ^= 1
    return {**members, MEMBER: bytes(data)}


DAMAGES = {
    "a changed number": (_flip, "does not have its checksum"),
    "cut": (lambda m: {**m, MEMBER: m[MEMBER][:-4]}, "its header describes"),
    "longer": (lambda m: {**m, MEMBER: m[MEMBER] + b"1234"}, "its header describes"),
    "empty": (lambda m: {**m, MEMBER: b""}, "fewer than any"),
    "two formats": (lambda m: {**m, "model.weights.h5": b""}, "two formats"),
    "none": (lambda m: {n: d for n, d in m.items() if n != MEMBER}, "has no member"),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_found(name, model, tmp_path):
    change, message = DAMAGES[name]
    path = tmp_path / "model.keras"
    model.save(path, weights_format="safetensors")
    rewrite(path, change)
    for read in (load_model, model.load_weights):
        with pytest.raises(ValueError, match=message):
            read(path)


def test_a_format_that_does_not_exist(model, tmp_path):
    with pytest.raises(ValueError, match=r"weights_format.*'h5', 'safetensors'"):
        model.save(tmp_path / "model.keras", weights_format="npz")
    assert not list(tmp_path.iterdir())


def entry(**changes):
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


HEADERS = {
    "no object": ([], "not a JSON object"),
    "no entry": ({"w": 3}, "not described"),
    "no dtype": ({"w": {"shape": [2], "data_offsets": [0, 8]}}, "not described"),
    "a dtype": ({"w": entry(dtype="F31")}, "dtype 'F31'"),
    "a negative size": ({"w": entry(shape=[-2])}, "shape"),
    "a size that is true": ({"w": entry(shape=[True, 2])}, "shape"),
    "a fraction": ({"w": entry(shape=[2.0])}, "shape"),
    "three offsets": ({"w": entry(data_offsets=[0, 8, 8])}, "offsets"),
    "too few bytes": ({"w": entry(shape=[3])}, "has 8 bytes"),
    "backwards": ({"w": entry(shape=[0], data_offsets=[8, 8]), "v": entry()}, None),
    "overlapping": ({"w": entry(), "v": entry()}, "overlaps"),
    "a gap": ({"w": entry(shape=[1], data_offsets=[4, 8])}, "overlaps"),
    "the rest": ({"w": entry(shape=[1], data_offsets=[0, 4])}, "its header describes"),
    "far away": ({"w": entry(data_offsets=[2**63, 2**63 + 8])}, "overlaps"),
    "huge": ({"w": entry(shape=[2**62, 0], data_offsets=[0, 0]), "v": entry()}, "shape"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_are_checked(name, tmp_path):
    header, message = HEADERS[name]
    text = json.dumps(header).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(8))
    if message is None:
        with open_safetensors(path) as reader:
            assert all(reader.read(key).shape == shape for key, shape in reader.shapes.items())
        return
    with pytest.raises(ValueError, match=message), open_safetensors(path):
        pass


def test_the_other_library_reads_and_writes_the_same_arrays(tmp_path):
    arrays = {
        "c": np.arange(3, dtype="int8"),
        "a/b": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "half": np.arange(3, dtype=ml_dtypes.bfloat16),
        "byte": np.arange(3).astype(ml_dtypes.float8_e4m3fn),
        "scalar": np.array(2, "uint16"),
        "none": np.zeros((0, 3), "float32"),
        "swapped": np.arange(3, dtype=">i4"),
    }
    write_safetensors(tmp_path / "ours.safetensors", arrays)
    theirs = {k: np.asarray(v, order="C") for k, v in arrays.items()}
    save_file(theirs, tmp_path / "theirs")
    for name in ("ours.safetensors", "theirs"):
        with open_safetensors(tmp_path / name) as reader:
            for key, array in arrays.items():
                found = reader.read(key)
                assert found.dtype == array.dtype.newbyteorder("=")
                assert np.array_equal(found.astype("f8"), array.astype("f8"))
    with safe_open(tmp_path / "ours.safetensors", "np") as file:
        assert np.array_equal(file.get_tensor("a/b"), arrays["a/b"])
    with pytest.raises(ValueError, match="complex128, which safetensors"):
        write_safetensors(tmp_path / "w", {"w": np.ones(2, "complex128")})
