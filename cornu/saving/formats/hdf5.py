"""Arrays in HDF5 files, in the layout of Keras."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from cornu.saving import validation

__all__ = ["HDF5Reader", "open_hdf5", "write_hdf5"]

_MAX_OBJECTS = 1_000_000
_FILTERS = frozenset((1, 2, 3))  # deflate, shuffle, checksum
_KINDS = frozenset("fiubc")


class HDF5Reader:
    """The arrays of an open HDF5 file, all of which was looked through.

    Attributes:
        file: the file.
        shapes: the shape of each array by its place.
        nbytes: how many bytes they take together.
    """

    def __init__(self, file: Any, size: int, name: str) -> None:
        self.file = file
        self._found = _find_datasets(file, name)
        self.shapes = {place: tuple(item.shape) for place, item in self._found.items()}
        packed = [item for item in self._found.values() if item.chunks is not None]
        plain = [item for item in self._found.values() if item.chunks is None]
        stored, unpacked = (sum(map(_declared_size, items)) for items in (plain, packed))
        if stored > size:
            raise ValueError(f"{name} declares {stored} bytes of arrays, and has {size} bytes.")
        validation.check_decompressed_size(size, unpacked, name)
        self.nbytes = stored + unpacked

    def read(self, place: str) -> np.ndarray:
        """Reads an array."""
        item = self._found[place]
        if item.dtype.kind in _KINDS:
            return np.asarray(item[()])
        if item.dtype.name == "void16" and item.attrs.get("dtype") == "bfloat16":
            return np.asarray(item[()]).view(ml_dtypes.bfloat16)
        raise ValueError(f"{place!r} holds {item.dtype}, not numbers.")


@contextlib.contextmanager
def open_hdf5(source: Path | BytesIO) -> Iterator[HDF5Reader]:
    """Opens an HDF5 file for reading.

    Raises:
        ValueError: it is no HDF5 file, or holds links, external or virtual data, or filters other
            than deflate, shuffle and checksum, or declares more than it holds.
    """
    import h5py

    if isinstance(source, BytesIO):
        size, name = source.getbuffer().nbytes, "The HDF5 file in the archive"
    else:
        size, name = source.stat().st_size, repr(str(source))
    with validation.wrap_read_errors(name), h5py.File(source, "r") as file:
        yield HDF5Reader(file, size, name)


def _find_datasets(root: Any, name: str) -> dict[str, Any]:
    import h5py

    found: dict[str, Any] = {}
    todo, seen, count = [root], {h5py.h5o.get_info(root.id).addr}, 0
    while todo:
        group = todo.pop()
        for key in group:
            count += 1
            if count > _MAX_OBJECTS:
                raise ValueError(f"{name} holds more than {_MAX_OBJECTS} objects.")
            where = f"{group.name.rstrip('/')}/{key}"
            if not isinstance(group.get(key, getlink=True), h5py.HardLink):
                raise ValueError(f"{name}: {where!r} is a link; only plain data is read.")
            item = group[key]
            address = h5py.h5o.get_info(item.id).addr
            if address in seen:
                raise ValueError(f"{name}: {where!r} is in the file under two names.")
            seen.add(address)
            if isinstance(item, h5py.Group):
                todo.append(item)
            elif isinstance(item, h5py.Dataset):
                _check_dataset(item, f"{name}: {where!r}")
                found[where.lstrip("/")] = item
            else:
                raise ValueError(f"{name}: {where!r} is neither a group nor an array.")
    return found


def _check_dataset(item: Any, where: str) -> None:
    if item.shape is None:
        raise ValueError(f"{where} has no shape.")
    if item.external or item.is_virtual:
        raise ValueError(f"{where} keeps its data outside of the file.")
    plan = item.id.get_create_plist()
    for i in range(plan.get_nfilters()):
        if plan.get_filter(i)[0] not in _FILTERS:
            raise ValueError(f"{where} uses the HDF5 filter {plan.get_filter(i)[0]}.")


def _declared_size(item: Any) -> int:
    # HDF5 reads a chunk as a whole, however little of it belongs to the array.
    return max(math.prod(item.shape), math.prod(item.chunks or (0,))) * item.dtype.itemsize


def write_hdf5(target: Path | BytesIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as an HDF5 file."""
    import h5py

    with h5py.File(target, "w") as file:
        for place, array in arrays.items():
            short = array.dtype.name == "bfloat16"
            item = file.create_dataset(place, data=array.view("V2") if short else array)
            if short:
                item.attrs["dtype"] = "bfloat16"
