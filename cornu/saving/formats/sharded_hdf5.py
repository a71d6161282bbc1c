"""Weights in several HDF5 files, in the layout of Keras: an index, and the shards beside it.

The index `name.weights.json` says which shard `name_00000.weights.h5`, ... contains the arrays of
which object. Weights are replaced as a whole: new shards get names that no file has, then the index
is replaced, then the old shards are deleted. If two processes save at once, the index is that of
the last one, and its shards are complete. A process that is killed while it saves leaves the old
weights, and may leave shards to which no index refers. They are not deleted later, because a file
of this name may also be one that the program, or another process that saves now, wrote.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.saving import validation
from cornu.saving.atomic_write import atomic_write, reserve
from cornu.saving.formats.hdf5 import HDF5Reader, open_hdf5, write_hdf5

__all__ = ["INDEX_SUFFIX", "ShardedReader", "index_path", "open_sharded", "write_sharded"]

INDEX_SUFFIX = ".weights.json"
_SHARD_SUFFIX = ".weights.h5"
_CHECKSUMS = "checksums"  # an entry of the metadata, the checksum of each array by its key


def index_path(path: Path) -> Path:
    """Returns the path of the index for the path that a program passes.

    Warns:
        UserWarning: the path ends in `.weights.h5`; Keras also writes an index `.weights.json`.

    Raises:
        ValueError: the path has another ending.
    """
    if path.name.endswith(INDEX_SUFFIX):
        return path
    if not path.name.endswith(_SHARD_SUFFIX):
        raise ValueError(
            f"With max_shard_size, the file name must end in {INDEX_SUFFIX}. "
            f"Received: {str(path)!r}"
        )
    index = path.with_suffix(".json")
    warnings.warn(
        f"With max_shard_size, weights are written to several files and the index {str(index)!r}. "
        "Pass this path to save_weights and load_weights.",
        stacklevel=user_stacklevel(),
    )
    return index


class ShardedReader:
    """The arrays of an index and its shards, the whole structure of which has been validated.

    One shard is open at a time, because there may be more shards than files that may be open.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of all arrays together.
    """

    def __init__(self, path: Path, shards: contextlib.ExitStack) -> None:
        index = validation.read_json_file(path)
        groups = _groups_by_shard(index, path)
        self._path = path
        self._checksums = _read_checksums(index)
        self._shards = shards
        self._open: tuple[str, HDF5Reader] | None = None
        self._shard_of: dict[str, str] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.nbytes = 0
        for name, expected in groups.items():
            reader = self._reader(name)
            if missing := expected - {_group_of(key) for key in reader.shapes}:
                raise ValueError(f"Shard {name!r} has no arrays of {min(missing)!r}.")
            for key, shape in reader.shapes.items():
                if key in self._shard_of:
                    raise ValueError(
                        f"{key!r} is in two shards, {self._shard_of[key]!r} and {name!r}."
                    )
                self._shard_of[key] = name
                self.shapes[key] = shape
            self.nbytes += reader.nbytes

    def read(self, key: str) -> np.ndarray:
        """Reads an array; its checksum must be that of the index, if the index has one."""
        name = self._shard_of[key]
        reader = self._reader(name)
        expected = self._checksums.get(key)
        if key not in reader.shapes or expected not in (None, reader.checksum(key)):
            raise ValueError(
                f"{key!r} in the shard {name!r} is not the array that {str(self._path)!r} describes"
                ".\nCopy the index and its shards again, or save them again."
            )
        return reader.read(key)

    def _reader(self, name: str) -> HDF5Reader:
        if self._open is None or self._open[0] != name:
            self._open = None
            self._shards.close()
            path = self._path.with_name(name)
            if not path.is_file():
                raise FileNotFoundError(
                    f"The shard {str(path)!r} does not exist. {self._path.name!r} is an index: the "
                    "weights are in its shards, which must be in the same folder."
                )
            self._open = name, self._shards.enter_context(open_hdf5(path))
        return self._open[1]


@contextlib.contextmanager
def open_sharded(path: Path) -> Iterator[ShardedReader]:
    """Opens an index and its shards for reading.

    Raises:
        ValueError: the index is damaged, or names a file that is not one of its shards; a shard is
            damaged, or is not the one that the index describes.
        FileNotFoundError: a shard is missing.
    """
    with validation.wrap_read_errors(repr(str(path))), contextlib.ExitStack() as shards:
        yield ShardedReader(path, shards)


def write_sharded(
    path: Path, arrays: Mapping[str, np.ndarray], max_gigabytes: float, overwrite: bool = True
) -> None:
    """Writes arrays to shards and an index, all or nothing.

    Args:
        path: the path of the index.
        arrays: the arrays by key.
        max_gigabytes: the maximum size of the arrays of a shard, in units of 2^30 bytes.
        overwrite: whether an existing index and its shards are replaced.

    Raises:
        ValueError: an array is larger than a shard may be.
        FileExistsError: the index exists, and `overwrite` is False.
        OSError: writing failed, for example on a full disk.
    """
    shards = _divide(arrays, max_gigabytes)
    names: list[str] = []
    try:
        with atomic_write(path, overwrite) as temporary:
            free = (n for n in _shard_names(path) if reserve(path.with_name(n), path))
            sums: dict[str, int] = {}
            for shard in shards:
                names.append(name := next(free))
                with atomic_write(path.with_name(name)) as file:
                    sums.update(write_hdf5(file, shard))
            temporary.write_text(json.dumps(_describe(names, shards, sums), indent=4))
            # Not earlier, because another process may have replaced the index in the meantime.
            old = _listed_shards(path)
    except BaseException:
        # The index may have been replaced before the error, by this process or another.
        listed = _listed_shards(path)
        _delete(path, set(names) - set(listed))
        if listed:
            _write_first(path, ())
        raise
    unlisted = set(old) - set(names)
    _write_first(path, unlisted)
    _delete(path, unlisted - {_shard_name(path, 0)})


def _write_first(path: Path, unlisted: Collection[str]) -> None:
    """Writes an empty first shard if there is none, or one that the index does not list.

    Keras opens this file in any case.
    """
    first = _shard_name(path, 0)
    if first in unlisted or reserve(path.with_name(first), path):
        with atomic_write(path.with_name(first)) as file:
            write_hdf5(file, {})


def _divide(arrays: Mapping[str, np.ndarray], max_gigabytes: float) -> list[dict[str, np.ndarray]]:
    """Returns the arrays of each shard: as many as fit, in order, as in Keras."""
    limit = max_gigabytes * 2**30
    shards: list[dict[str, np.ndarray]] = [{}]
    size = 0
    for key, array in arrays.items():
        if array.nbytes > limit:
            raise ValueError(
                f"{key!r} takes {array.nbytes} bytes, more than a shard may have: "
                f"max_shard_size={max_gigabytes} GB.\nIncrease max_shard_size."
            )
        size += array.nbytes
        if size > limit:
            shards.append({})
            size = array.nbytes
        shards[-1][key] = array
    return shards


def _describe(
    names: Iterable[str], shards: Iterable[dict[str, np.ndarray]], sums: dict[str, int]
) -> dict[str, Any]:
    """Returns the contents of the index."""
    found: dict[str, list[str]] = {}
    total = 0
    for name, shard in zip(names, shards, strict=True):
        for key, array in shard.items():
            found.setdefault(_group_of(key), []).append(name)
            total += array.nbytes
    # As in Keras: a name for one array, a list of different names for several.
    groups = {
        group: held[0] if len(held) == 1 else list(dict.fromkeys(held))
        for group, held in found.items()
    }
    return {"metadata": {"total_size": total, _CHECKSUMS: sums}, "weight_map": groups}


def _group_of(key: str) -> str:
    """Returns the name that the index has for the arrays of an object, given one of their keys."""
    owner, found, _ = f"/{key}".rpartition("/vars/")
    return f"{owner}/vars" if found else f"/{key}".rpartition("/")[0]


def _groups_by_shard(index: Any, path: Path) -> dict[str, set[str]]:
    """Returns the shards, each with the groups of which it must have arrays.

    Raises:
        ValueError: the index has another structure, or names other files.
    """
    groups = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(groups, dict):
        raise ValueError(f"{str(path)!r} is not an index of weights: it has no 'weight_map'.")
    # A file of a stranger must not decide which files are opened.
    pattern = re.compile(re.escape(_base_of(path)) + r"_\d{5,9}" + re.escape(_SHARD_SUFFIX))
    found: dict[str, set[str]] = {}
    for group, names in groups.items():
        for name in names if isinstance(names, list) else [names]:
            if not isinstance(name, str) or pattern.fullmatch(name) is None:
                raise ValueError(
                    f"{str(path)!r} refers to {name!r}, which is not a shard of it: their "
                    f"names are {_shard_name(path, 0)!r} and so on.\nRename the index and its "
                    "shards in the same way."
                )
            found.setdefault(name, set()).add(group)
    return found


def _read_checksums(index: dict[str, Any]) -> dict[str, Any]:
    metadata = index.get("metadata")
    found = metadata.get(_CHECKSUMS) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _listed_shards(path: Path) -> list[str]:
    """Returns the names of the shards of an index; none if there is no index, or a damaged one."""
    try:
        return list(_groups_by_shard(validation.read_json_file(path), path))
    except (OSError, ValueError):
        return []


def _base_of(path: Path) -> str:
    return path.name.removesuffix(INDEX_SUFFIX)


def _shard_name(path: Path, number: int) -> str:
    return f"{_base_of(path)}_{number:05}{_SHARD_SUFFIX}"


def _shard_names(path: Path) -> Iterator[str]:
    return (_shard_name(path, number) for number in itertools.count())


def _delete(path: Path, names: Iterable[str]) -> None:
    for name in names:
        path.with_name(name).unlink(missing_ok=True)
