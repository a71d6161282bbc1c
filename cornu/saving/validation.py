"""The gate: files are data, and are checked before they are believed.

Nothing is imported, evaluated, unpickled or opened because a file says so. What a file declares
is compared with what it holds before memory of that size is taken, and whatever goes wrong with
its contents becomes a ValueError that names the file.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cornu.core.state import scope

__all__ = [
    "limit_allocations",
    "check_decompressed_size",
    "resolve_existing_path",
    "open_zip",
    "read_json",
    "read_zip_member",
    "wrap_read_errors",
]

_MAX_JSON = 32 << 20  # bytes; as Python objects it may take thirty times as much
_MAX_DEPTH = 200
_MAX_MEMBERS = 100_000
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_FREE = 64 << 20  # bytes that anything may unpack to
_RATIO = 100  # of unpacked to packed bytes beyond that; weights hardly pack at all
_GROWTH = 8  # of a model with optimizer slots and averages, to what its file holds


def resolve_existing_path(filepath: Any, folders: bool = False) -> Path:
    """Returns the path of a file (or, with `folders`, a folder) that is there."""
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(
            f"A file is given by its name. Received: {type(filepath).__name__}\n"
            "Arrays are set by model.set_weights(arrays)."
        )
    path = Path(filepath)
    if not path.is_file() and not (folders and path.is_dir()):
        kind = "is a folder" if path.is_dir() else "does not exist"
        there = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        close = difflib.get_close_matches(path.name, there, n=2)
        hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
        raise FileNotFoundError(f"There is no file {str(path)!r}: it {kind}.{hint}")
    return path


@contextlib.contextmanager
def wrap_read_errors(what: str, foreign: bool = False) -> Iterator[None]:
    """Turns whatever goes wrong inside into a ValueError that names the file.

    Args:
        what: the file, as it is named.
        foreign: whether a ValueError, too, is one of a reader that does not name it.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError, Warning):
        raise
    except Exception as error:  # readers of damaged files raise all kinds of errors
        if isinstance(error, ValueError) and not foreign:
            raise
        reason = f"{type(error).__name__}: {error}"
        raise ValueError(
            f"{what} is damaged, or not what it seems. {reason}\n"
            "Copy or download it again, or save it anew."
        ) from error


@contextlib.contextmanager
def limit_allocations(stored: int, what: str) -> Iterator[None]:
    """Bounds what Variables that are made inside may take, by the bytes that a file holds."""
    left = _FREE + _GROWTH * stored

    def take(path: str, nbytes: int) -> None:
        nonlocal left
        left -= nbytes
        if left < 0:
            raise ValueError(
                f"{what} describes a model with more weights than it holds: {path!r} alone would "
                f"take {nbytes} bytes, and the file has {stored} bytes of weights."
            )

    around = scope.current()
    before, around.allocation_check = around.allocation_check, take
    try:
        yield
    finally:
        around.allocation_check = before


def check_decompressed_size(packed: int, unpacked: int, what: str) -> None:
    """Refuses what unpacks to far more than it takes in the file."""
    if unpacked > _FREE + _RATIO * packed:
        raise ValueError(f"{what} would unpack from {packed} to {unpacked} bytes.")


@contextlib.contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive whose members are few enough, plain, and of different names."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise ValueError(f"{str(path)!r} has {len(members)} members.")
        if len({member.filename for member in members}) != len(members):
            raise ValueError(f"{str(path)!r} has two members of one name.")
        for member in members:
            where = f"{str(path)!r}: member {member.filename!r}"
            if member.compress_type not in _PACKED or member.flag_bits & 1:
                raise ValueError(f"{where} is encrypted, or packed in a way that is not read.")
            check_decompressed_size(member.compress_size, member.file_size, where)
        yield archive


def read_zip_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Reads a member; its checksum and size must be right."""
    if name not in archive.NameToInfo:
        raise ValueError(f"The archive has no member {name!r}.")
    size = archive.getinfo(name).file_size
    with archive.open(name) as file:
        data = file.read(size)
        if len(data) != size or file.read(1):
            raise ValueError(f"The archive's member {name!r} has not the size that it declares.")
    return data


def read_json(data: bytes | str, what: str) -> Any:
    """Parses JSON of bounded length and depth.

    Example:

    >>> read_json('{"a": [1, 2]}', "config")
    {'a': [1, 2]}
    """
    if len(data) > _MAX_JSON:
        raise ValueError(f"{what} is longer than {_MAX_JSON} bytes.")
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{what} is no readable JSON: {error}") from error
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"{what} is nested more than {_MAX_DEPTH} levels deep.")
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return value
