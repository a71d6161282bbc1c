"""Atomic writes: a file is written under a temporary name, and then renamed.

What `open(path, "w")` keeps is kept, as far as a rename can: a link remains a link, and its target
is replaced; the new file has the permissions of the one that it replaces, or those that the umask
and the directory give to new files. Hard links to the old file keep the old contents, and the owner
is the user who writes.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["atomic_write", "may_write", "reserve"]

# Characters of the name, and of its suffix, in the temporary name. File systems allow names of 255
# bytes, and a character has up to four.
_NAME, _SUFFIX = 40, 15
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


@contextlib.contextmanager
def atomic_write(path: Path, overwrite: bool = True) -> Iterator[Path]:
    """Yields a temporary path in the same directory; renames it to `path` if the block succeeds.

    Args:
        path: the file, or a link to it, which may have no target yet.
        overwrite: whether an existing file or link is replaced.

    Raises:
        FileExistsError: the file exists, and `overwrite` is False.
        PermissionError: the file is read-only.
        IsADirectoryError: the path is that of a directory.
        ValueError: it is that of a device, a pipe or a socket.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with atomic_write(folder / "note.txt") as temporary:
    ...     _ = temporary.write_text("done")
    >>> (folder / "note.txt").read_text()
    'done'
    """
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    if path.is_symlink():
        path = Path(os.path.realpath(path))
    replaced = _existing_mode(path)
    # Renaming needs no permission to write the old file, which was taken away on purpose.
    if replaced is not None and not (replaced & _WRITABLE and os.access(path, os.W_OK)):
        raise PermissionError(
            f"{str(path)!r} is read-only, and was not replaced.\n"
            "Change its permissions, or pass another path."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    # In the same directory, because a file cannot be renamed into another file system.
    name = f".{path.name[:_NAME]}.{secrets.token_hex(4)}{path.suffix[-_SUFFIX:]}"
    temporary = path.with_name(name)
    try:
        # Within the block, so that an interrupt leaves no file behind. The system applies the
        # umask; Python could read it only by setting it for all threads.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
        mode = stat.S_IMODE(os.stat(temporary).st_mode) if replaced is None else replaced
        os.chmod(temporary, 0o600)  # only the owner may read it until it is complete
        yield temporary
        # Without fsync, a crash of the system may leave the new name with an empty file.
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, mode)
        os.replace(temporary, path)
        _sync_directory(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def may_write(path: Path, overwrite: bool) -> bool:
    """Returns whether a file may be written; asks the user as Keras does.

    Args:
        path: the file.
        overwrite: whether an existing file is replaced without a question.

    Raises:
        FileExistsError: the file exists, `overwrite` is False, and the program has no terminal or
            notebook in which it could ask.
    """
    if overwrite or not os.path.lexists(path):
        return True
    if not (sys.stdin is not None and sys.stdin.isatty()) and "ipykernel" not in sys.modules:
        raise _exists(path)
    question = f"[WARNING] {str(path)!r} already exists - overwrite? [y/n]"
    while (answer := input(question).strip().lower()) not in ("y", "n"):
        question = 'Enter "y" (overwrite) or "n" (cancel).'
    return answer == "y"


def _exists(path: Path) -> FileExistsError:
    return FileExistsError(f"{str(path)!r} exists. Pass overwrite=True to replace it.")


def reserve(path: Path, permissions_of: Path) -> bool:
    """Creates an empty file, unless the path exists; of several processes, only one succeeds.

    Args:
        path: the file, in an existing directory.
        permissions_of: a file whose permissions the new one gets, if it exists.

    Returns:
        Whether the file was created.
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666))
    except FileExistsError:
        return False
    mode = _existing_mode(permissions_of)
    if mode is not None:
        os.chmod(path, mode)
    return True


def _existing_mode(path: Path) -> int | None:
    """Returns the permissions of a file, or None if there is none."""
    try:
        mode = path.stat().st_mode
    except OSError:  # also a link to itself
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(
            f"{str(path)!r} is a directory, and a file cannot replace it.\n"
            "Pass another file name, or remove the directory first."
        )
    if not stat.S_ISREG(mode):
        raise ValueError(
            f"{str(path)!r} is a device, a pipe or a socket, and not a file. Pass another path."
        )
    return stat.S_IMODE(mode)


def _sync_directory(directory: Path) -> None:
    if os.name == "posix":
        # The new name is part of the directory, whose content is buffered like that of a file.
        handle = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
