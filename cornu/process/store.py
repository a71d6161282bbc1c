"""Values kept as files of one folder: whole or not at all, and never more than so many bytes.

Processes share the folder without locks. A value is written under a name that nobody reads, and
renamed when it is complete; what a process that was killed leaves behind is swept away later. Each
file begins with a hash of the rest, so that what a crash of the machine, or a disk, left half is
not taken for a value.

Only the user may have access to the folder, as values may be code that will run. Each time it is
opened, and then looked at: what was looked at is what is used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

__all__ = ["SUPPORTED", "Store"]

# Without these, a folder cannot be held while it is looked at and used.
SUPPORTED = {os.open, os.stat, os.unlink, os.rename, os.utime} <= os.supports_dir_fd

_NAME = re.compile(r"[0-9a-f]{64}")
_UNFINISHED = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]{16}")
_ABANDONED = 3600.0  # seconds after which nobody writes any more
_HASH = hashlib.sha256
_DIGEST = _HASH().digest_size

# A file counts at least as much, so that there are never too many small ones.
_LEAST = 1 << 16


class Store:
    """A folder of values.

    Args:
        folder: where they are; it is made if it is not there.
        limit: how many bytes; what was not used for longest goes first.

    Raises:
        OSError: the folder cannot be made or opened.
        PermissionError: others have access to it, or it is somebody else's.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        # How many bytes may be written before the folder is looked through again: none at first.
        self._room = 0
        _make(folder)
        with _opened(folder):
            pass

    def get(self, key: str) -> bytes | None:
        """Returns a value; None if it is not there as a whole, or cannot be read."""
        name = _name(key)
        try:
            with _opened(self.folder) as folder:
                with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
                    digest, value = file.read(_DIGEST), file.read()
                if _HASH(value).digest() != digest:
                    os.unlink(name, dir_fd=folder)
                    return None
                with contextlib.suppress(OSError):  # of others' disks, or read-only
                    os.utime(name, dir_fd=folder)
                return value
        except OSError:
            return None

    def put(self, key: str, value: bytes) -> None:
        """Keeps a value if it can be kept."""
        if _counted(len(value)) > self.limit:
            return
        name = _name(key)
        unfinished = f".{name}.{secrets.token_hex(8)}"
        with contextlib.suppress(OSError), _opened(self.folder) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            try:
                with open(os.open(unfinished, flags, 0o600, dir_fd=folder), "wb") as file:
                    file.write(_HASH(value).digest())
                    file.write(value)
                os.rename(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(unfinished, dir_fd=folder)
                raise
            self._room -= _counted(len(value))
            if self._room < 0:
                self._trim(folder)

    def clear(self) -> None:
        """Removes all values."""
        with _opened(self.folder) as folder:
            for file in _files(folder):
                _remove(file, folder)

    def _trim(self, folder: int) -> None:
        """Removes what was not used for longest, and what was never finished."""
        now = time.time()
        kept: list[_File] = []
        for file in _files(folder):
            if file.finished or now - file.used < _ABANDONED:
                kept.append(file)
            else:
                _remove(file, folder)
        size = sum(_counted(file.size) for file in kept)
        if size > self.limit:
            # Some more than needed, or each value would be the occasion to look through all.
            for file in sorted(kept, key=lambda file: file.used):
                if size <= self.limit * 7 // 8:
                    break
                if file.finished:
                    _remove(file, folder)
                    size -= _counted(file.size)
        # Other processes may write as well; none of them may take all that is left.
        self._room = (self.limit - size) // 4


class _File(NamedTuple):
    name: str
    size: int
    used: float
    finished: bool


def _files(folder: int) -> Iterator[_File]:
    """Yields the files of a store; others in its folder are not touched."""
    with os.scandir(folder) as entries:
        for entry in entries:
            finished = _NAME.fullmatch(entry.name) is not None
            if finished or _UNFINISHED.fullmatch(entry.name):
                with contextlib.suppress(OSError):  # another process removed it
                    status = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
                    yield _File(entry.name, status.st_size, status.st_mtime, finished)


def _remove(file: _File, folder: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(file.name, dir_fd=folder)


def _counted(size: int) -> int:
    return max(size, _LEAST)


def _name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _make(folder: Path) -> None:
    if folder.is_dir():
        return
    there = next(parent for parent in folder.parents if parent.exists())
    if os.geteuid() == 0 and there.stat().st_uid != 0:
        # As under sudo: the user could not write to a folder of root's in their home.
        raise PermissionError(f"{str(there)!r} is another user's.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    """Gives a handle of the folder, which is the user's alone."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            raise PermissionError(
                f"{str(folder)!r} is another user's. Give a folder of your own: compiled programs "
                "are code that will run."
            )
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise PermissionError(
                f"{str(folder)!r} can be reached by other users (mode "
                f"{stat.S_IMODE(status.st_mode):o}). Compiled programs are code that will run: "
                "give a folder that is yours alone (`chmod 700`), or one that is not there yet."
            )
        yield handle
    finally:
        os.close(handle)
