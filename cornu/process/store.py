"""Store: a key-value store of bounded size in a folder, with one file for each value.

Processes share the folder without locks. A value is written to a temporary file, which is renamed
when it is complete; temporary files of killed processes are removed later. Each file begins with a
hash of the rest, so that files that a system crash has truncated are detected.

Only the user may have access to the folder, since values may be code that will be executed. The
folder is opened for each operation and its owner and mode are checked on the open descriptor, so
that it cannot be replaced between the check and the use.
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

# Whether the system has the functions that access files relative to an open folder.
SUPPORTED = {os.open, os.stat, os.unlink, os.rename, os.utime} <= os.supports_dir_fd

_NAME = re.compile(r"[0-9a-f]{64}")
_TEMPORARY = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]{16}")
_ABANDONED = 3600.0  # seconds after which the writer of a temporary file has been killed
_HASH = hashlib.sha256
_DIGEST_SIZE = _HASH().digest_size

# Smaller files count as 64 KiB, which also bounds their number: 16384 in a store of 1 GiB.
_MIN_SIZE = 1 << 16


class Store:
    """A key-value store in a folder.

    Args:
        folder: the folder, which is created if necessary.
        limit: the maximum size in bytes. If it is exceeded, the least recently used values are
            removed.

    Raises:
        OSError: the folder cannot be created or opened.
        PermissionError: the folder belongs to another user, or other users have access to it.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        # The bytes that may be written before the folder is scanned again. The first write scans.
        self._allowance = 0
        _create_folder(folder)
        with _open_folder(folder):
            pass  # raises if the folder is not private

    def get(self, key: str) -> bytes | None:
        """Returns the value of a key; None if there is none, or if it is damaged or unreadable."""
        name = _file_name(key)
        try:
            with _open_folder(self.folder) as folder:
                with open(os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=folder), "rb") as file:
                    digest, value = file.read(_DIGEST_SIZE), file.read()
                if _HASH(value).digest() != digest:
                    os.unlink(name, dir_fd=folder)
                    return None
                # The time of the last use, by which values are removed; not every file system
                # allows to set it.
                with contextlib.suppress(OSError):
                    os.utime(name, dir_fd=folder)
                return value
        except OSError:
            return None

    def put(self, key: str, value: bytes) -> None:
        """Stores a value, unless it exceeds the limit or writing fails."""
        if _counted_size(len(value)) > self.limit:
            return
        name = _file_name(key)
        temporary = f".{name}.{secrets.token_hex(8)}"
        with contextlib.suppress(OSError), _open_folder(self.folder) as folder:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            try:
                with open(os.open(temporary, flags, 0o600, dir_fd=folder), "wb") as file:
                    file.write(_HASH(value).digest())
                    file.write(value)
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with contextlib.suppress(OSError):
                    os.unlink(temporary, dir_fd=folder)
                raise
            self._allowance -= _counted_size(len(value))
            if self._allowance < 0:
                self._trim(folder)

    def clear(self) -> None:
        """Removes all values."""
        with _open_folder(self.folder) as folder:
            for file in _iterate_files(folder):
                _remove(file, folder)

    def _trim(self, folder: int) -> None:
        """Removes abandoned temporary files and, beyond the limit, the least recently used."""
        now = time.time()
        remaining: list[_File] = []
        for file in _iterate_files(folder):
            if file.complete or now - file.used < _ABANDONED:
                remaining.append(file)
            else:
                _remove(file, folder)
        size = sum(_counted_size(file.size) for file in remaining)
        if size > self.limit:
            # More than necessary is removed; otherwise, each later write would scan the folder.
            for file in sorted(remaining, key=lambda file: file.used):
                if size <= self.limit * 7 // 8:
                    break
                if file.complete:
                    _remove(file, folder)
                    size -= _counted_size(file.size)
        # Other processes may write at the same time, so this one uses only a part of what is left.
        self._allowance = (self.limit - size) // 4


class _File(NamedTuple):
    name: str
    size: int
    used: float  # seconds since the epoch
    complete: bool  # False for a temporary file


def _iterate_files(folder: int) -> Iterator[_File]:
    """Yields the files of a store. Other files in the folder are ignored."""
    with os.scandir(folder) as entries:
        for entry in entries:
            complete = _NAME.fullmatch(entry.name) is not None
            if complete or _TEMPORARY.fullmatch(entry.name):
                with contextlib.suppress(OSError):  # another process has removed the file
                    status = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
                    yield _File(entry.name, status.st_size, status.st_mtime, complete)


def _remove(file: _File, folder: int) -> None:
    with contextlib.suppress(OSError):
        os.unlink(file.name, dir_fd=folder)


def _counted_size(size: int) -> int:
    return max(size, _MIN_SIZE)


def _file_name(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _create_folder(folder: Path) -> None:
    """Creates the folder, with access for the user only, and its parents."""
    if folder.is_dir():
        return
    ancestor = next(parent for parent in folder.parents if parent.exists())
    if os.geteuid() == 0 and ancestor.stat().st_uid != 0:
        # Under sudo, the folder would belong to root, and later programs of the user could not
        # write to it.
        raise PermissionError(f"{str(ancestor)!r} belongs to another user.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)


@contextlib.contextmanager
def _open_folder(folder: Path) -> Iterator[int]:
    """Yields a descriptor of the folder.

    Raises:
        PermissionError: the folder belongs to another user, or other users have access to it.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if status.st_uid != os.geteuid():
            raise PermissionError(
                f"{str(folder)!r} belongs to another user. Compiled programs are code that will "
                "be executed: use a folder of your own."
            )
        if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise PermissionError(
                f"{str(folder)!r} is accessible to other users (mode "
                f"{stat.S_IMODE(status.st_mode):o}). Compiled programs are code that will be "
                "executed: restrict the access with `chmod 700`, or use a folder that does not "
                "exist yet."
            )
        yield descriptor
    finally:
        os.close(descriptor)
