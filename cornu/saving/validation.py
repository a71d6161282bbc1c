"""Validation of files, whose contents are never trusted.

Nothing is imported, evaluated, unpickled or opened because a file says so. Declared sizes are
compared with the data before memory is allocated, and every error in the contents of a file
becomes a ValueError that names the file.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from cornu.core.state import scope
from cornu.core.state.initial_value import defer_values
from cornu.core.state.scope import WorkUnit
from cornu.process.forks import is_unable_to_compute
from cornu.saving import budget

__all__ = [
    "limit_allocations",
    "limit_work",
    "open_zip",
    "read_json",
    "read_json_file",
    "read_zip_member",
    "resolve_existing_path",
    "resolve_member",
    "wrap_read_errors",
]

_MAX_JSON = 32 << 20  # bytes; the Python objects may take thirty times as much
_MAX_DEPTH = 200
_MAX_CONTAINERS = 1_000_000  # lists and dicts; a model of a thousand layers has some ten thousand
_COMPRESSION_TYPES = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def resolve_existing_path(filepath: str | os.PathLike[str], directories: bool = False) -> Path:
    """Returns the path of an existing file or, with `directories`, of a directory."""
    if not isinstance(filepath, (str, os.PathLike)):
        raise TypeError(
            f"Expected the path of a file. Received: {type(filepath).__name__}\n"
            "To set the weights from arrays, call model.set_weights(arrays)."
        )
    path = Path(filepath)
    if path.is_file() or directories and path.is_dir():
        return path
    if path.is_dir():
        raise FileNotFoundError(f"Expected a file, but {str(path)!r} is a directory.")
    siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, n=2)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise FileNotFoundError(f"File {str(path)!r} does not exist.{hint}")


def resolve_member(target: Path, name: str, label: str) -> Path:
    """Returns the path in a directory of a file that an archive names.

    Raises:
        ValueError: the name leads out of the directory.
    """
    parts = name.split("/")
    if any(part in ("", ".", "..") or set(part) & set("\\:\0") for part in parts):
        raise ValueError(f"{label}: the name {name!r} is not a plain path.")
    return target.joinpath(*parts)


@contextlib.contextmanager
def wrap_read_errors(name: str, wrap_value_errors: bool = False) -> Iterator[None]:
    """Converts errors inside the block to a ValueError that names the file.

    Args:
        name: the file, as messages show it.
        wrap_value_errors: whether a ValueError is wrapped, too, because it was raised by a library
            that does not name the file.
    """
    try:
        yield
    except (FileNotFoundError, PermissionError, IsADirectoryError, Warning):
        raise
    except Exception as error:  # readers of damaged files raise all kinds of errors
        # A UnicodeDecodeError is a ValueError, of a name in the file that is not text.
        explained = isinstance(error, ValueError) and not isinstance(error, UnicodeError)
        if explained and not wrap_value_errors:
            raise
        if is_unable_to_compute() and isinstance(error, RuntimeError):
            raise  # it is that of a computation in a forked process
        raise ValueError(
            f"{name} is damaged or has another format. {type(error).__name__}: {error}\n"
            "Copy or download the file again, or save it again."
        ) from error


@contextlib.contextmanager
def limit_allocations(stored: int, name: str) -> Iterator[None]:
    """Limits the memory of new Variables, given the size of the weights in a file.

    A few bytes of JSON can describe a layer of any size, so the size is checked before Variables
    are initialized.
    """
    remaining = budget.limit("bytes of new weights", stored)

    def check(path: str, nbytes: int) -> None:
        nonlocal remaining
        remaining -= nbytes
        if remaining < 0:
            raise ValueError(
                f"{name} describes a model with more weights than it holds: {path!r} alone would "
                f"take {nbytes} bytes, and the file has {stored} bytes of weights."
            )

    current = scope.current()
    before, current.allocation_check = current.allocation_check, check
    try:
        with defer_values():
            yield
    finally:
        current.allocation_check = before


@contextlib.contextmanager
def limit_work(nbytes: int, name: str) -> Iterator[None]:
    """Limits the work of ops that depends on the shapes of their inputs.

    Args:
        nbytes: the size of the config.
        name: the file, as messages show it.
    """
    totals: Counter[WorkUnit] = Counter()

    def check(unit: WorkUnit, amount: float) -> None:
        totals[unit] += amount  # type: ignore[assignment]
        budget.check(unit, totals[unit], nbytes, name)

    current = scope.current()
    before, current.work_check = current.work_check, check
    try:
        yield
    finally:
        current.work_check = before


@contextlib.contextmanager
def open_zip(source: Path | IO[bytes], name: str) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive, and validates the number, names, types and sizes of its members."""
    with zipfile.ZipFile(source) as archive:
        members = archive.infolist()
        nbytes = source.stat().st_size if isinstance(source, Path) else source.seek(0, os.SEEK_END)
        budget.check("archive members", len(members), nbytes, name)
        # One of them would be checked, and the other one read.
        if len({member.filename for member in members}) != len(members):
            raise ValueError(f"{name} has two members with the same name.")
        for member in members:
            location = f"{name}: member {member.filename!r}"
            if member.compress_type not in _COMPRESSION_TYPES or member.flag_bits & 1:
                raise ValueError(
                    f"{location} is encrypted, or compressed by a method other than deflate."
                )
            nbytes = member.compress_size
            budget.check("bytes after decompression", member.file_size, nbytes, location)
        yield archive


def read_zip_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Reads a member of an archive, and verifies its checksum and size."""
    if name not in archive.NameToInfo:
        raise ValueError(f"The archive has no member {name!r}.")
    size = archive.getinfo(name).file_size
    with archive.open(name) as file:
        data = file.read(size)
        # The header may declare less than the member contains.
        if len(data) != size or file.read(1):
            raise ValueError(f"The archive member {name!r} does not have its declared size.")
    return data


def read_json(
    data: bytes | str, name: str, max_bytes: int = _MAX_JSON, stored: int | None = None
) -> Any:
    """Parses JSON of limited size and depth.

    Args:
        data: the JSON data.
        name: the file, as messages show it.
        max_bytes: the limit of the size.
        stored: how many bytes the data takes in the file, if it was compressed.

    Example:

    >>> read_json('{"a": [1, 2]}', "config")
    {'a': [1, 2]}
    """
    if len(data) > max_bytes:
        raise ValueError(f"{name} has {len(data)} bytes. At most {max_bytes} bytes are read.")
    nbytes = len(data) if stored is None else stored
    budget.check("bytes of JSON", len(data), nbytes, name)
    text = data if isinstance(data, bytes) else data.encode(errors="replace")
    # Every value but the first follows one of these; some of them are within texts.
    containers = text.count(b"[") + text.count(b"{")
    if containers > _MAX_CONTAINERS:
        raise ValueError(f"{name} has more than {_MAX_CONTAINERS} lists and dicts.")
    count = containers + text.count(b",")
    budget.check("JSON values", count, nbytes, name)
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not valid JSON: {error}") from error
    # A loop over levels, because recursion over hostile data would overflow the stack.
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"{name} is nested more than {_MAX_DEPTH} levels deep.")
        level = [
            inner
            for item in level
            if isinstance(item, (dict, list))
            for inner in (item.values() if isinstance(item, dict) else item)
        ]
    return value


def read_json_file(path: Path) -> Any:
    """Parses a JSON file of limited size and depth."""
    with open(path, "rb") as file:
        data = file.read(_MAX_JSON + 1)
    return read_json(data, repr(str(path)))
