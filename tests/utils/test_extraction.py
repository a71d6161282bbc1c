"""Valid archives are extracted; nothing is extracted from malicious ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zipfile

import numpy as np
import pytest

from cornu.utils.extraction import extract, is_plain_name

FILES = {"data/a.txt": b"one", "data/deep/er/b.bin": bytes(range(256)) * 99, "c": b""}


def tar(path, *members, pack=None, form=tarfile.PAX_FORMAT):
    """Writes members, pairs of a TarInfo (or name) and bytes."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=form) as archive:
        for info, content in members:
            if isinstance(info, str):
                info = tarfile.TarInfo(info)
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    path.write_bytes((pack or bytes)(data.getvalue()))
    return path


def zipped(path, *members, **kwargs):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **kwargs) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return path


def special(name, kind, target="", size=0):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, target, size
    return info


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def assert_rejected(archive, message):
    """Asserts rejection, and that no files were created."""
    root = archive.parent
    before = sorted(root.rglob("*"))
    with pytest.raises(ValueError, match=message) as caught:
        extract(archive, root / "sub" / "out")
    assert archive.name in str(caught.value)
    (root / "sub").rmdir()
    assert sorted(root.rglob("*")) == before


@pytest.mark.parametrize(
    "name, pack",
    [("a.tar", bytes), ("a.tgz", gzip.compress), ("a.bz2", bz2.compress), ("a.xz", lzma.compress)],
)
def test_tar(tmp_path, name, pack):
    archive = tar(tmp_path / name, *FILES.items(), pack=pack)
    extract(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES
    with pytest.raises(ValueError, match="is not an archive of type zip"):
        extract(archive, tmp_path / "other", ("zip",))
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "out"])


def test_zip(tmp_path):
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        archive = tmp_path / f"{method}.zip"
        with zipfile.ZipFile(archive, "w", method) as file:
            file.mkdir("empty")
            for name, data in FILES.items():
                file.writestr(name, data)
        extract(archive, tmp_path / f"out{method}")
        assert contents(tmp_path / f"out{method}") == FILES
        assert (tmp_path / f"out{method}" / "empty").is_dir()
    with pytest.raises(ValueError, match="is not an archive of type tar"):
        extract(archive, tmp_path / "other", ("tar",))


def test_a_zip_archive_inside_of_a_tar_archive_is_a_member(tmp_path):
    inner = zipped(tmp_path / "inner.zip", ("evil", b"x")).read_bytes()
    extract(tar(tmp_path / "a.tar", ("inner.zip", inner)), tmp_path / "out")
    assert contents(tmp_path / "out") == {"inner.zip": inner}


def test_rights_and_owners_are_not_taken_over(tmp_path):
    info = special("run.sh", tarfile.REGTYPE, size=2)
    info.mode, info.uid = 0o4777, 0
    extract(tar(tmp_path / "a.tar", (info, b"hi")), tmp_path / "out")
    mode = stat.S_IMODE((tmp_path / "out" / "run.sh").stat().st_mode)
    assert not mode & (stat.S_ISUID | stat.S_IXUSR | stat.S_IWOTH)
    (tmp_path / "plain").mkdir()
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "plain").stat().st_mode


NAMES = ["../evil", "a/../../evil", "/tmp/evil", "//evil", "..", "a\\..\\evil", "a\x00b", "a\nb"]
NAMES += ["x" * 300, "/".join("d" * 70), "", "."]


@pytest.mark.parametrize("name", NAMES)
def test_names_never_lead_out(tmp_path, name):
    members = [("good", b"good"), (name, b"evil")]
    if "\x00" not in name and name not in ("", "."):
        assert_rejected(tar(tmp_path / "a.tar", *members), "is outside of the folder")
    info = zipfile.ZipInfo("b")
    archive = zipped(tmp_path / "b.zip", members[0], (info, b"evil"))
    if len(name) == 3 and "\x00" in name:
        # The zipfile module cannot write this name, nor others that it makes safe itself.
        archive.write_bytes(
            zipped(archive, members[0], ("a_b", b"evil")).read_bytes().replace(b"a_b", b"a\0b")
        )
    else:
        info = zipfile.ZipInfo()
        info.filename = info.orig_filename = name
        archive = zipped(archive, members[0], (info, b"evil"))
    assert_rejected(archive, "is outside of the folder|needs a name|damaged")


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
    + [tarfile.GNUTYPE_SPARSE, b"Z"],
)
def test_links_and_devices_are_rejected_in_tar(tmp_path, kind):
    for target in ("/etc/passwd", "../..", "good"):
        link = special("link", kind, target)
        assert_rejected(
            tar(tmp_path / "a.tar", ("good", b"1"), (link, b"")),
            "link or a device|damaged|no archive",
        )


def test_files_through_a_link_are_rejected(tmp_path):
    # CVE-2025-12060 and CVE-2025-4138: a link to outside, then a file through it; a name so long
    # that the check of the link's target fails.
    long = "/".join(["d" * 247] * 16)
    for link in ("link", f"{long}/link"):
        members = [(special(link, tarfile.SYMTYPE, "../" * 20), b""), (f"{link}/evil", b"x")]
        assert_rejected(tar(tmp_path / "a.tar", *members), "link or a device")
    hard = [
        (special("a", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (special("b", tarfile.LNKTYPE, "a"), b""),
    ]
    assert_rejected(tar(tmp_path / "a.tar", *hard), "link or a device")


def test_links_are_rejected_in_zip(tmp_path):
    for kind in (stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK):
        info = zipfile.ZipInfo("link")
        info.external_attr = (kind | 0o777) << 16
        assert_rejected(
            zipped(tmp_path / "a.zip", ("good", b"1"), (info, b"/etc/passwd")), "link or a dev"
        )


def test_decompression_bombs_are_rejected(tmp_path):
    big = bytes(96 << 20)
    for archive in (
        zipped(tmp_path / "a.zip", ("zeros", big)),
        zipped(tmp_path / "b.zip", *[(str(i), big[: 8 << 20]) for i in range(12)]),
        tar(tmp_path / "a.tgz", ("zeros", big), pack=lambda data: gzip.compress(data)),
        tar(tmp_path / "a.xz", ("zeros", big), pack=lambda data: lzma.compress(data, preset=0)),
    ):
        assert_rejected(archive, "bytes after decompression")


def test_headers_that_declare_gigabytes_are_not_read(tmp_path):
    for kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME):
        huge = special("header", kind, size=1 << 40).tobuf(tarfile.GNU_FORMAT)
        archive = tmp_path / "a.tar"
        with_file = tar(archive, ("good", b"1")).read_bytes()
        archive.write_bytes(with_file[:1024] + huge + bytes(1024))
        assert_rejected(archive, "declares 1099511627776 bytes")


def test_a_size_below_zero(tmp_path):
    archive = tar(tmp_path / "a.tar", ("good", b"1"))
    negative = special("bad", tarfile.REGTYPE)
    negative.size = -512
    archive.write_bytes(archive.read_bytes()[:1024] + negative.tobuf(tarfile.GNU_FORMAT))
    assert_rejected(archive, "negative|damaged")
    pax = special("bad", tarfile.REGTYPE)
    pax.pax_headers = {"size": "-1024"}
    archive = tar(tmp_path / "a.tar", ("good", b"1"), (pax, b""), ("more", b"1"))
    assert_rejected(archive, "negative|damaged")


def test_wrong_declared_sizes(tmp_path):
    archive = tar(tmp_path / "a.tar", ("good", b"1" * 5000))
    archive.write_bytes(archive.read_bytes()[:2000])
    assert_rejected(archive, "declared size|damaged")
    archive = zipped(tmp_path / "a.zip", ("good", b"1" * 5000))
    data = archive.read_bytes()
    archive.write_bytes(data.replace(np.uint32(5000).tobytes(), np.uint32(50).tobytes()))
    assert_rejected(archive, "damaged|declared size")


def test_two_members_of_one_name(tmp_path):
    assert_rejected(
        tar(tmp_path / "a.tar", ("a", b"1"), ("./a", b"2")), "several members with this name"
    )
    assert_rejected(tar(tmp_path / "a.tar", ("a", b"1"), ("a/b", b"2")), "a.tar")
    with pytest.warns(UserWarning, match="Duplicate"):
        archive = zipped(tmp_path / "a.zip", ("a", b"1"), ("a", b"2"))
    assert_rejected(archive, "several members with this name")


def test_damaged_archives(tmp_path):
    for archive in (
        tar(tmp_path / "a.tgz", *FILES.items(), pack=gzip.compress),
        zipped(tmp_path / "a.zip", *FILES.items()),
    ):
        data = archive.read_bytes()
        for bad in (data[:60], data[: len(data) // 2], b"", b"no archive"):
            archive.write_bytes(bad)
            assert_rejected(archive, "damaged|is not an archive|declared size")
    archive = zipped(tmp_path / "a.zip", ("a", os.urandom(1000)))
    data = bytearray(archive.read_bytes())
    data[200] ^= 1
    archive.write_bytes(data)
    assert_rejected(archive, "damaged")
    encrypted = bytearray(zipped(tmp_path / "a.zip", ("a", b"1")).read_bytes())
    for place in (6, encrypted.index(b"PK\1\2") + 8):
        encrypted[place] |= 1
    archive.write_bytes(encrypted)
    assert_rejected(archive, "encrypted")


def test_a_folder_that_is_there_keeps_its_files(tmp_path):
    out = tmp_path / "out"
    (out / "data").mkdir(parents=True)
    (out / "mine.txt").write_bytes(b"mine")
    (out / "data" / "a.txt").write_bytes(b"old")
    extract(tar(tmp_path / "a.tar", *FILES.items()), out)
    assert contents(out) == {**FILES, "mine.txt": b"mine"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar", "out"]


def test_existing_links_are_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "data").symlink_to(outside)
    with pytest.raises(ValueError, match="out/data' is not a folder"):
        extract(tar(tmp_path / "a.tar", *FILES.items()), out)
    (outside / "c").write_bytes(b"kept")
    (out / "data").unlink()
    (out / "c").symlink_to(outside / "c")
    extract(tmp_path / "a.tar", out)
    assert (outside / "c").read_bytes() == b"kept" and not (out / "c").is_symlink()
    assert list(outside.iterdir()) == [outside / "c"]


def test_plain_names():
    for name in ("a", "a b", ".hidden", "ü", "日本 語", "a..b", "..."):
        assert is_plain_name(name), name
    for name in ("", ".", "..", "/", "a/", "a\\b", "a\x00", "\r", "a" * 256, "ü" * 128, "\udcff"):
        assert not is_plain_name(name), name
