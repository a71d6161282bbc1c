"""The store: atomic writes, a bounded folder, and a folder that only the user can access."""

import os
import subprocess
import sys
import time

import pytest

from cornu.process.store import Store

_WRITER = """
import sys, pathlib
from cornu.process.store import Store
store = Store(pathlib.Path(sys.argv[1]), 1 << 30)
print("begun", flush=True)
for turn in range(int(sys.argv[2])):
    for k in range(8):
        value = store.get(f"key{k}")
        assert value is None or value == bytes([k]) * 300_000, "half a value"
        store.put(f"key{k}", bytes([k]) * 300_000)
"""


def _writer(folder, turns):
    return subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(folder), str(turns)], stdout=subprocess.PIPE
    )


def test_values_come_back(tmp_path):
    store = Store(tmp_path / "a" / "b", 1 << 30)
    assert store.get("x") is None
    store.put("x", b"value")
    assert Store(tmp_path / "a" / "b", 1 << 30).get("x") == b"value"
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    store.clear()
    assert store.get("x") is None


@pytest.mark.parametrize("change", ["cut", "flipped"])
def test_damaged_values_are_missing(tmp_path, change):
    store = Store(tmp_path / "s", 1 << 30)
    store.put("x", b"value" * 100)
    (file,) = (tmp_path / "s").iterdir()
    data = file.read_bytes()
    file.write_bytes(data[:-7] if change == "cut" else data[:-1] + b"?")
    assert store.get("x") is None
    assert list((tmp_path / "s").iterdir()) == []


@pytest.mark.slow
def test_processes_share_a_folder(tmp_path):
    writers = [_writer(tmp_path / "s", 20) for _ in range(4)]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    for writer in writers:
        writer.stdout.close()
    assert len(list((tmp_path / "s").iterdir())) == 8


def test_a_killed_writer_leaves_whole_values(tmp_path):
    folder = tmp_path / "s"
    for delay in (0.005, 0.02, 0.05):
        with _writer(folder, 100_000) as writer:
            writer.stdout.readline()
            time.sleep(delay)
            writer.kill()
    store = Store(folder, 1 << 30)
    values = [store.get(f"key{k}") for k in range(8)]
    assert any(values)
    for k, value in enumerate(values):
        assert value is None or value == bytes([k]) * 300_000
    # What was left behind goes when it is old and the folder is looked through.
    abandoned = folder / f".{'0' * 64}.{'0' * 16}"
    abandoned.write_bytes(b"half")
    os.utime(abandoned, (1, 1))
    store.put("other", b"")
    assert not abandoned.exists()


def test_least_recently_used_entries_are_evicted_first(tmp_path):
    size = 1 << 17
    store = Store(tmp_path / "s", 8 * size)
    (tmp_path / "s" / "foreign.txt").write_text("stays")
    for k in range(8):
        store.put(str(k), bytes(size - 32))
    for age, file in enumerate(sorted((tmp_path / "s").glob("[0-9a-f]" * 64))):
        os.utime(file, (1000 + age, 1000 + age))
    assert store.get("3") is not None  # so it was used just now
    for k in range(8, 12):
        store.put(str(k), bytes(size - 32))
    assert sum(file.stat().st_size for file in (tmp_path / "s").glob("[0-9a-f]" * 64)) <= 8 * size
    assert store.get("3") is not None and store.get("11") is not None
    assert (tmp_path / "s" / "foreign.txt").read_text() == "stays"
    store.put("large", bytes(9 * size))
    assert store.get("large") is None


def test_folders_of_others_are_rejected(tmp_path):
    for mode in (0o755, 0o770, 0o701):
        (tmp_path / "s").mkdir(exist_ok=True)
        (tmp_path / "s").chmod(mode)
        with pytest.raises(PermissionError, match="other users"):
            Store(tmp_path / "s", 1 << 30)
    store = Store(tmp_path / "t", 1 << 30)
    store.put("x", b"value")
    (tmp_path / "t").chmod(0o777)  # it is looked at each time
    assert store.get("x") is None
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        Store(tmp_path / "file" / "s", 1 << 30)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root")
def test_folders_of_another_user_are_rejected(tmp_path):
    (tmp_path / "s").mkdir(mode=0o700)
    os.chown(tmp_path / "s", 12345, 12345)
    with pytest.raises(PermissionError, match="belongs to another user"):
        Store(tmp_path / "s", 1 << 30)
    with pytest.raises(PermissionError, match="belongs to another user"):  # nor is one made inside
        Store(tmp_path / "s" / "t", 1 << 30)
