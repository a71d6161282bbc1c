"""Archives from strangers: what is in them is written only where it may be, and only files.

One routine for zip and tar. Names are checked as text before any of them becomes a path, links
and devices are refused, sizes are compared with what an archive of that size may hold, and
everything is written into a new folder, which takes its place when all went well.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import tempfile
import unicodedata
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cornu.saving.validation import check_decompressed_size, wrap_read_errors

__all__ = ["extract", "plain_name"]

_MOST = 2_000_000  # members; ImageNet has 1.3 million
_DEEPEST = 64  # folders in each other
_LONGEST = 255  # bytes of a name
_SIGNS = "/\\:" if os.name == "nt" else "/\\"
_AT_ONCE = 1 << 20  # bytes that are read
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2)
_UNPACKERS = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}


class _Member(NamedTuple):
    """What an archive says of a file (or folder), and the file itself, open."""

    name: str
    size: int
    folder: bool
    file: Any


def extract(archive: Path, folder: Path, formats: tuple[str, ...] = ("tar", "zip")) -> None:
    """Writes the files of a zip or tar archive into a folder.

    A folder that is there keeps its other files.

    Raises:
        ValueError: it is none of these archives or is damaged; or a member's name leads out of
            the folder, a member is no plain file, or there is more than an honest archive has.
            Then nothing is written.
    """
    who = f"The archive {str(archive)!r}"
    folder.parent.mkdir(parents=True, exist_ok=True)
    holder = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    new = holder / "files"
    try:
        new.mkdir()  # with the rights that folders have; mkdtemp lets in the user alone
        with wrap_read_errors(who), _members(archive, formats, who) as members:
            _write(members, new, archive.stat().st_size, who)
        if not folder.exists():
            os.rename(new, folder)
        elif (obstacle := _obstacle(new, folder.resolve())) is not None:
            raise ValueError(f"{who} cannot be unpacked: {str(obstacle)!r} is no folder.")
        else:
            _merge(new, folder.resolve())
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def plain_name(name: str) -> bool:
    """Tells whether a name is one of a file in some folder, on every system, and nothing else.

    Example:

    >>> [plain_name(name) for name in ("a.zip", "..", "a/b", "/etc", "")]
    [True, False, False, False, False]
    """
    return (
        name not in ("", ".", "..")
        and not any(sign in _SIGNS or unicodedata.category(sign) in ("Cc", "Cs") for sign in name)
        and len(name.encode()) <= _LONGEST
    )


def _write(members: Iterator[_Member], folder: Path, packed: int, who: str) -> None:
    unpacked = 0
    for count, member in enumerate(members, start=1):
        where = f"{who}, member {member.name!r:.300}"
        if count > _MOST:
            raise ValueError(f"{who} has more than {_MOST} members.")
        if member.size < 0:
            raise ValueError(f"{where}: the size is negative.")
        unpacked += member.size
        check_decompressed_size(packed, unpacked, who)
        if member.size > shutil.disk_usage(folder).free:
            raise ValueError(f"{where}: its {member.size} bytes are more than the disk has left.")
        parts = [part for part in member.name.split("/") if part not in ("", ".")]
        if member.name.startswith("/") or not all(map(plain_name, parts)) or len(parts) > _DEEPEST:
            raise ValueError(f"{where}: the name leads out of the folder, or is none of a file.")
        target = folder.joinpath(*parts)
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
        raise ValueError(f"{where}: there are two members of one name.")
    with open(target, "xb") as file:
        while data := member.file.read(min(_AT_ONCE, left + 1)):
            left -= len(data)
            if left < 0:
                break
            file.write(data)
    if left:
        raise ValueError(f"{where}: it has not the size that it declares.")


def _obstacle(new: Path, folder: Path) -> Path | None:
    """Returns what is in the way of files: a link to a folder, or a file instead of a folder."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        return folder
    inner = (_obstacle(entry, folder / entry.name) for entry in new.iterdir() if entry.is_dir())
    return next((path for path in inner if path is not None), None)


def _merge(new: Path, folder: Path) -> None:
    for entry in sorted(new.iterdir()):
        target = folder / entry.name
        if entry.is_dir() and target.exists():
            _merge(entry, target)
        else:
            os.replace(entry, target)


@contextlib.contextmanager
def _members(archive: Path, formats: tuple[str, ...], who: str) -> Iterator[Iterator[_Member]]:
    with contextlib.ExitStack() as stack:
        # Tar first: at its end there may be a zip archive that is a member of it.
        if "tar" in formats and (opened := _tar(archive, stack)) is not None:
            yield stack.enter_context(contextlib.closing(_tarred(opened, who)))
        elif "zip" in formats and zipfile.is_zipfile(archive):
            opened = stack.enter_context(zipfile.ZipFile(archive))
            yield stack.enter_context(contextlib.closing(_zipped(opened, who)))
        else:
            raise ValueError(f"{who} is no archive of the kinds {', '.join(formats)}.")


def _zipped(archive: zipfile.ZipFile, who: str) -> Iterator[_Member]:
    for info in archive.infolist():
        where = f"{who}, member {info.orig_filename!r:.300}"
        if info.compress_type not in _PACKED or info.flag_bits & 1:
            raise ValueError(f"{where}: it is encrypted, or packed in a way that is not read.")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise ValueError(f"{where}: it is a link or a device, not a file.")
        if info.is_dir():
            yield _Member(info.orig_filename, info.file_size, True, None)
            continue
        with archive.open(info) as file:
            yield _Member(info.orig_filename, info.file_size, False, file)


class _Bounded:
    """What unpacks a tar archive, read in small pieces: the headers may declare gigabytes, too."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def read(self, size: int) -> bytes:
        if not 0 <= size <= 2 * _AT_ONCE:
            raise OverflowError(f"A header declares {size} bytes.")
        return self._file.read(size)

    def seek(self, place: int) -> int:
        return self._file.seek(place)

    def tell(self) -> int:
        return self._file.tell()


def _tar(archive: Path, stack: contextlib.ExitStack) -> tarfile.TarFile | None:
    with open(archive, "rb") as file:
        head = file.read(6)
    unpack: Any = next((u for magic, u in _UNPACKERS.items() if head.startswith(magic)), open)
    file = stack.enter_context(unpack(archive, "rb"))
    try:
        return stack.enter_context(tarfile.TarFile(fileobj=_Bounded(file)))
    except (tarfile.TarError, EOFError, OSError, lzma.LZMAError):
        return None


def _tarred(archive: tarfile.TarFile, who: str) -> Iterator[_Member]:
    while (info := archive.next()) is not None:
        archive.members = []  # they would all be kept
        if not (info.isreg() or info.isdir()) or info.issparse():
            raise ValueError(
                f"{who}, member {info.name!r:.300}: it is a link or a device, not a file."
            )
        file = None if info.isdir() else archive.extractfile(info)
        yield _Member(info.name, info.size, info.isdir(), file)
