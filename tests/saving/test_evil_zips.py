"""Decompression bombs, and archives with wrong headers."""

import json
import struct
import zipfile

import pytest

from cornu.models import load_model
from tests.saving.attacks import archive, assert_rejected, config_of, model
from tests.saving.watch import nothing_but

pytestmark = pytest.mark.usefixtures("warm")


def test_names_in_an_archive_are_never_paths(tmp_path):
    names = {"../../evil.txt": "x", "/tmp/evil.txt": "x", "assets/..\\evil": "x"}
    path = archive(tmp_path / "names.keras", config_of(model()), **names)
    before = sorted(tmp_path.rglob("*"))
    with nothing_but(path):
        load_model(path)
    assert sorted(tmp_path.rglob("*")) == before


def bomb(path, name, size, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for other, data in members.items():
            file.writestr(other, data)
        with file.open(name, "w", force_zip64=True) as member:
            for _ in range(size >> 20):
                member.write(bytes(1 << 20))
    return path


def test_members_that_are_decompression_bombs_are_rejected(tmp_path):
    made, size = model(), 96 << 20
    config = json.dumps(config_of(made))
    assert_rejected(
        load_model, bomb(tmp_path / "a.keras", "config.json", size), "bytes after decompression"
    )
    path = bomb(tmp_path / "b.keras", "model.weights.h5", size, **{"config.json": config})
    assert_rejected(load_model, path, "bytes after decompression")
    assert_rejected(made.load_weights, path, "bytes after decompression")
    assert_rejected(
        made.load_weights,
        bomb(tmp_path / "c.npz", "layers/dense/vars/0.npy", size),
        "bytes after decompression",
    )


def test_a_member_with_a_wrong_declared_size(tmp_path):
    path = archive(tmp_path / "lie.keras", config_of(model()))
    data = path.read_bytes()
    size = len(json.dumps(config_of(model())))
    for message in (0, 10, size + 1000, 1 << 31):
        path.write_bytes(data.replace(struct.pack("<I", size), struct.pack("<I", message)))
        assert_rejected(load_model, path)


def test_files_that_are_not_archives_are_rejected(tmp_path):
    good = archive(tmp_path / "good.keras", config_of(model())).read_bytes()
    path = tmp_path / "bad.keras"
    for data in (b"", b"PK", b"\x89HDF\r\n\x1a\n" + bytes(99), good[:-30], good[:100], good[50:]):
        path.write_bytes(data)
        assert_rejected(load_model, path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", "{}")
    assert_rejected(load_model, path, "no member 'model.weights.h5'")
    with pytest.warns(UserWarning, match="Duplicate"):
        with zipfile.ZipFile(path, "w") as file:
            file.writestr("config.json", "{}")
            file.writestr("config.json", "{}")
    assert_rejected(load_model, path, "two members with the same name")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("config.json", "{}")
    assert_rejected(load_model, path, "compressed by a method")
