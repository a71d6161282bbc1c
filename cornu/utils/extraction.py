"""Extracts untrusted zip and tar archives.

Names are checked before they become paths, links and devices are rejected, and the total size is
compared with the size of the archive. Everything is extracted to a temporary folder, which is
renamed at the end.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import itertools
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from cornu.saving import budget
from cornu.saving.validation import wrap_read_errors

__all__ = ["extract", "is_plain_name"]

_MAX_DEPTH = 64
_MAX_NAME_BYTES = 255
_SEPARATORS = "/\\:" if os.name == "nt" else "/\\"
_CHUNK = 1 << 20  # bytes
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_DECOMPRESSORS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


class _Member(NamedTuple):
    """A file or folder in an archive: its header, and the file opened for reading."""

    name: str
    size: int
    folder: bool
    file: Any


def extract(archive: Path, folder: Path, formats: tuple[str, ...] = ("tar", "zip")) -> None:
    """Extracts a zip or tar archive to a folder. Other files in the folder are kept.

    Raises:
        ValueError: the archive has another format or is damaged; or a member has a path outside of
            the folder, is not a regular file, or is implausibly large. Then nothing is
            extracted.
    """
    name = f"The archive {str(archive)!r}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    # Next to the folder, on the same file system: `os.rename` works within one only.
    holder = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    new = holder / "files"
    try:
        new.mkdir()  # with default permissions; that of mkdtemp is private to the user
        with wrap_read_errors(name), _open_members(archive, formats, name) as members:
            _write(members, new, archive.stat().st_size, name)
        if not folder.exists():
            os.rename(new, folder)
        elif (obstacle := _find_obstacle(new, folder.resolve())) is not None:
            raise ValueError(f"{name} cannot be extracted: {str(obstacle)!r} is not a folder.")
        else:
            _merge(new, folder.resolve())
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def is_plain_name(name: str) -> bool:
    """Returns whether a name is a valid file name, without a folder, on every system.

    Example:

    >>> [is_plain_name(name) for name in ("a.zip", "..", "a/b", "/etc", "")]
    [True, False, False, False, False]
    """
    return (
        name not in ("", ".", "..")
        and not any(
            sign in _SEPARATORS or unicodedata.category(sign) in ("Cc", "Cs") for sign in name
        )
        and len(name.encode()) <= _MAX_NAME_BYTES
    )


def _write(members: Iterator[_Member], folder: Path, packed: int, name: str) -> None:
    unpacked = created = 0
    for member in members:
        where = f"{name}, member {member.name!r:.300}"
        if member.size < 0:
            raise ValueError(f"{where}: the size is negative.")
        unpacked += member.size
        budget.check("bytes after decompression", unpacked, packed, name)
        if member.size > shutil.disk_usage(folder).free:
            raise ValueError(
                f"{where}: its size of {member.size} bytes exceeds the free disk space."
            )
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if (
            member.name.startswith("/")
            or not all(map(is_plain_name, parts))
            or len(parts) > _MAX_DEPTH
        ):
            raise ValueError(f"{where}: the path is outside of the folder or invalid.")
        target = folder.joinpath(*parts)
        # Folders that no member stands for are counted as well.
        missing = itertools.takewhile(lambda path: not path.exists(), (target, *target.parents))
        created += max(1, sum(1 for _ in missing))
        budget.check("files and folders", created, packed, name)
        if member.folder:
            target.mkdir(parents=True, exist_ok=True)
        elif not parts:
            raise ValueError(f"{where}: a file needs a name.")
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(member, target, where)


def _copy(member: _Member, target: Path, where: str) -> None:
    left = member.size
    if target.exists():
        raise ValueError(f"{where}: there are several members with this name.")
    with open(target, "xb") as file:
        # One byte more than declared shows a member that is too long without reading all of it.
        while data := member.file.read(min(_CHUNK, left + 1)):
            left -= len(data)
            if left < 0:
                break
            file.write(data)
    if left:
        raise ValueError(f"{where}: the file does not have its declared size.")


def _find_obstacle(new: Path, folder: Path) -> Path | None:
    """Returns an existing link or file that prevents the creation of a folder, or None."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return folder
    inner = (
        _find_obstacle(entry, folder / entry.name) for entry in new.iterdir() if entry.is_dir()
    )
    return next((path for path in inner if path is not None), None)


def _merge(new: Path, folder: Path) -> None:
    for entry in sorted(new.iterdir()):
        target = folder / entry.name
        if entry.is_dir() and target.exists():
            _merge(entry, target)
        else:
            os.replace(entry, target)


@contextlib.contextmanager
def _open_members(
    archive: Path, formats: tuple[str, ...], name: str
) -> Iterator[Iterator[_Member]]:
    with contextlib.ExitStack() as stack:
        # Tar first: `is_zipfile` is also true for a tar archive whose last member is a zip archive.
        if "tar" in formats and (tar := _open_tar(archive, stack)) is not None:
            yield stack.enter_context(contextlib.closing(_read_tar(tar, name)))
        elif "zip" in formats and zipfile.is_zipfile(archive):
            file = stack.enter_context(zipfile.ZipFile(archive))
            yield stack.enter_context(contextlib.closing(_read_zip(file, name)))
        else:
            raise ValueError(f"{name} is not an archive of type {' or '.join(formats)}.")


def _read_zip(archive: zipfile.ZipFile, name: str) -> Generator[_Member, None, None]:
    for info in archive.infolist():
        # zipfile cuts `filename` at a null character; checks must see the whole name.
        where = f"{name}, member {info.orig_filename!r:.300}"
        if info.compress_type not in _COMPRESSIONS or info.flag_bits & 1:
            raise ValueError(f"{where}: it is encrypted, or its compression is not supported.")
        kind = stat.S_IFMT(info.external_attr >> 16)
        # Archives made on Windows have type 0.
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"{where}: it is a link or a device, not a file.")
        if info.is_dir():
            yield _Member(info.orig_filename, info.file_size, True, None)
            continue
        with archive.open(info) as file:
            yield _Member(info.orig_filename, info.file_size, False, file)


class _BoundedReader:
    """A decompressed tar archive that refuses large reads: headers may declare gigabytes."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= 2 * _CHUNK:
            raise OverflowError(f"A header declares {size} bytes.")
        data: bytes = self._file.read(size)
        return data

    def seek(self, position: int) -> int:
        return int(self._file.seek(position))

    def tell(self) -> int:
        return int(self._file.tell())


def _open_tar(archive: Path, stack: contextlib.ExitStack) -> tarfile.TarFile | None:
    with open(archive, "rb") as file:
        head = file.read(6)
    unpack: Any = next((u for magic, u in _DECOMPRESSORS.items() if head.startswith(magic)), open)
    file = stack.enter_context(unpack(archive, "rb"))
    try:
        return stack.enter_context(tarfile.TarFile(fileobj=cast(IO[bytes], _BoundedReader(file))))
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError):
        return None


def _read_tar(archive: tarfile.TarFile, name: str) -> Generator[_Member, None, None]:
    while (info := archive.next()) is not None:
        vars(archive)["members"] = []  # otherwise tarfile keeps all headers in memory
        if not (info.isreg() or info.isdir()) or info.issparse():
            raise ValueError(
                f"{name}, member {info.name!r:.300}: it is a link or a device, not a file."
            )
        file = None if info.isdir() else archive.extractfile(info)
        yield _Member(info.name, info.size, info.isdir(), file)
