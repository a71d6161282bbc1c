"""The gate: files are data, and are checked before they are believed.

Nothing is imported, evaluated, unpickled or opened because a file says so. Sizes are compared
with what the model expects before anything of that size is read. Files are written beside their
final place and renamed, so that a file is either there as a whole or not at all.
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["open_h5", "open_zip", "read_array", "read_json", "read_member", "writing"]

_MAX_OBJECTS = 1_000_000
_MAX_JSON = 256 << 20
_MAX_DEPTH = 200
_MAX_MEMBERS = 10_000
_MAX_RATIO = 1100  # deflate cannot do better than about 1032
_FILTERS = frozenset((1, 2, 3))  # deflate, shuffle, checksum
_KINDS = frozenset("fiubc")


@contextlib.contextmanager
def writing(path: Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; when the block ends well, it is moved there.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> with writing(folder / "note.txt") as temporary:
    ...     _ = temporary.write_text("done")
    >>> (folder / "note.txt").read_text()
    'done'
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


# ------------------------------------------------------------------------------------------- HDF5


@contextlib.contextmanager
def open_h5(source: Any) -> Iterator[Any]:
    """Opens an HDF5 file (path or file object) for reading, and looks through all of it.

    Raises:
        ValueError: it is no HDF5 file, or holds links, external or virtual data, or filters other
            than deflate, shuffle and checksum.
    """
    import h5py

    try:
        file = h5py.File(source, "r")
    except OSError as error:
        raise ValueError(f"{_shown(source)} is no readable HDF5 file: {error}") from error
    with file:
        _look_through(file, h5py, _shown(source))
        yield file


def _look_through(root: Any, h5py: Any, name: str) -> None:
    todo, count = [root], 0
    seen: set[Any] = set()
    while todo:
        group = todo.pop()
        for key in group:
            count += 1
            if count > _MAX_OBJECTS:
                raise ValueError(f"{name} holds more than {_MAX_OBJECTS} objects.")
            link = group.get(key, getlink=True)
            where = f"{name}: {group.name.rstrip('/')}/{key}"
            if not isinstance(link, h5py.HardLink):
                raise ValueError(f"{where} is a link to elsewhere; only plain data is read.")
            item = group[key]
            if isinstance(item, h5py.Group):
                address = h5py.h5o.get_info(item.id).addr
                if address in seen:
                    raise ValueError(f"{where} is linked to twice.")
                seen.add(address)
                todo.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, where)
            else:
                raise ValueError(f"{where} is neither a group nor a data set.")


def _check_dataset(item: Any, where: str) -> None:
    if item.external or item.is_virtual:
        raise ValueError(f"{where} keeps its data outside of the file.")
    plan = item.id.get_create_plist()
    for i in range(plan.get_nfilters()):
        if plan.get_filter(i)[0] not in _FILTERS:
            raise ValueError(f"{where} uses the HDF5 filter {plan.get_filter(i)[0]}.")


def read_array(item: Any, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Reads a data set whose declared shape is the expected one."""
    if tuple(item.shape) != tuple(shape):
        raise ValueError(f"{where}: the file has the shape {tuple(item.shape)}, expected {shape}.")
    if item.dtype.kind not in _KINDS and item.dtype.name != "bfloat16":
        raise ValueError(f"{where}: the file holds {item.dtype}, not numbers.")
    return np.asarray(item[()])


# ------------------------------------------------------------------------------------ zip and JSON


@contextlib.contextmanager
def open_zip(path: Path) -> Iterator[zipfile.ZipFile]:
    """Opens a zip archive after checking how many members it has and how large they would be."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise ValueError(f"{_shown(path)} is no readable archive: {error}") from error
    with archive:
        members = archive.infolist()
        if len(members) > _MAX_MEMBERS:
            raise ValueError(f"{_shown(path)} has {len(members)} members.")
        if len({member.filename for member in members}) != len(members):
            raise ValueError(f"{_shown(path)} has two members of one name.")
        for member in members:
            if member.file_size > _MAX_RATIO * max(member.compress_size, 1):
                raise ValueError(f"{_shown(path)}: member {member.filename!r} unpacks too far.")
        yield archive


def read_member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """Reads a member that unpacks to at most `limit` bytes."""
    try:
        size = archive.getinfo(name).file_size
    except KeyError as error:
        raise ValueError(f"The archive has no member {name!r}.") from error
    if size > limit:
        raise ValueError(f"The archive's member {name!r} has {size} bytes, more than {limit}.")
    try:
        with archive.open(name) as file:
            data = file.read(size + 1)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"The archive's member {name!r} cannot be read: {error}") from error
    if len(data) != size:
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


def _shown(source: Any) -> str:
    return repr(str(source)) if isinstance(source, (str, Path)) else "the data"
