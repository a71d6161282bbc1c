"""Atomic writes keep what `open(path, "w")` keeps: permissions, and links to files."""

import os
import stat
import threading

import pytest

import cornu
from cornu.saving.atomic_write import atomic_write

pytestmark = pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")


@pytest.fixture(autouse=True)
def umask():
    """Sets a umask that is not the usual one."""
    before = os.umask(0o037)
    yield
    os.umask(before)


def write(path, text="new", **kwargs):
    with atomic_write(path, **kwargs) as temporary:
        temporary.write_text(text)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def plainly(path, text="new"):
    path.write_text(text)


@pytest.mark.parametrize("before", [None, 0o600, 0o640, 0o664, 0o755])
def test_permissions_are_those_of_a_plain_write(before, tmp_path):
    found = []
    for name, writer in (("a", write), ("b", plainly)):
        path = tmp_path / name
        if before is not None:
            path.write_text("old")
            path.chmod(before)
        writer(path)
        found.append((path.read_text(), mode(path)))
    assert found[0] == found[1]


@pytest.mark.parametrize("mode", [0o444, 0o440, 0o400, 0o555])
@pytest.mark.parametrize("linked", [False, True])
def test_read_only_files_are_refused(mode, linked, tmp_path):
    path = given = tmp_path / "a"
    plainly(path, "old")
    path.chmod(mode)
    if linked:
        given = tmp_path / "link"
        given.symlink_to(path)
    with pytest.raises(PermissionError, match="'.*a' is read-only"):
        write(given)
    assert path.read_text() == "old" and stat.S_IMODE(path.stat().st_mode) == mode
    assert len([*tmp_path.iterdir()]) == 1 + linked


@pytest.mark.parametrize("suffix", ["", ".keras", ".weights.h5", "." + "s" * 240])
@pytest.mark.parametrize("letter", ["a", "é", "漢", "😀"])
def test_names_up_to_the_limit_of_the_system(suffix, letter, tmp_path):
    count = (255 - len(suffix)) // len(letter.encode())
    path = tmp_path / f"{letter * count}{suffix}"
    for text in ("one", "two"):
        write(path, text)
        assert path.read_text() == text
    with pytest.raises(OSError, match="too long"):
        write(tmp_path / ("a" * 256))
    assert [*tmp_path.iterdir()] == [path]


def test_models_are_saved_under_long_names(tmp_path):
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    for suffix in (".keras", ".weights.h5", ".npz", ".safetensors"):
        save = model.save if suffix == ".keras" else model.save_weights
        save(tmp_path / ("n" * (255 - len(suffix)) + suffix))
    assert len([*tmp_path.iterdir()]) == 4


def test_only_the_owner_reads_a_file_that_is_not_complete(tmp_path):
    path = tmp_path / "a"
    plainly(path)
    path.chmod(0o666)
    with atomic_write(path) as temporary:
        assert mode(temporary) == 0o600


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("relative", [True, False])
def test_a_link_remains_and_its_target_is_replaced(there, relative, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    target, link = folder / "target", tmp_path / "link"
    if there:
        target.write_text("old")
        target.chmod(0o604)
    link.symlink_to("data/target" if relative else target)
    (tmp_path / "second").symlink_to(link)
    write(tmp_path / "second")
    assert link.is_symlink() and (tmp_path / "second").is_symlink()
    assert not target.is_symlink() and target.read_text() == "new"
    assert mode(target) == (0o604 if there else 0o640)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["data", "link", "second", "target"]


def test_a_link_to_itself_is_replaced(tmp_path):
    path = tmp_path / "a"
    path.symlink_to(path)
    write(path)
    assert path.read_text() == "new"


@pytest.mark.parametrize("target", ["there", "missing"])
def test_a_link_counts_as_an_existing_file(target, tmp_path):
    (tmp_path / "there").write_text("old")
    link = tmp_path / "link"
    link.symlink_to(target)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        write(link, overwrite=False)
    assert (tmp_path / "there").read_text() == "old" and not (tmp_path / "missing").exists()


def test_a_hard_link_keeps_the_old_contents(tmp_path):
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("old")
    os.link(path, other)
    write(path)
    assert (path.read_text(), other.read_text()) == ("new", "old")


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (os.mkdir, IsADirectoryError, "is a directory"),
        (os.mkfifo, ValueError, "and not a file"),
    ],
)
def test_what_is_not_a_file_is_not_replaced(make, error, words, linked, tmp_path):
    path = tmp_path / "m.keras"
    make(path)
    before = stat.S_IFMT(path.stat().st_mode)
    given = tmp_path / "link.keras" if linked else path
    if linked:
        given.symlink_to(path)
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    with pytest.raises(error, match=words):
        model.save(given)
    assert stat.S_IFMT(path.stat().st_mode) == before
    assert len([*tmp_path.iterdir()]) == 1 + linked


def test_the_umask_of_the_process_is_never_changed(tmp_path, monkeypatch):
    # Files that other threads create in the meantime would have the permissions of that umask.
    monkeypatch.setattr(os, "umask", None)
    threads = [threading.Thread(target=write, args=(tmp_path / f"f{i}",)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {mode(path) for path in tmp_path.iterdir()} == {0o640}
    monkeypatch.undo()
