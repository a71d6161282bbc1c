"""Arrays in HDF5 files, in the layout of Keras."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any

import numpy as np

from cornu.process.interrupts import deferred_signals
from cornu.saving import budget, checksums, validation
from cornu.saving.formats.extended_dtypes import EXTENDED_DTYPES, as_opaque, from_opaque
from cornu.saving.formats.hdf5_attributes import read_attribute
from cornu.saving.formats.hdf5_headers import ReadBytes, is_outside

__all__ = ["HDF5Reader", "open_hdf5", "write_hdf5"]

_FILTERS = frozenset((1, 2, 3))  # deflate, shuffle, checksum
_KINDS = frozenset("fiubc")
_CHECKSUM = b"checksum"  # an attribute of each array
_NO_CHECKSUM = -1  # of an array, in a file in which others have one


@dataclass(frozen=True, slots=True)
class _StoredArray:
    """An array of a file, as the file declares it.

    Attributes:
        dataset: its handle in the low-level interface, whose properties cost a call of HDF5 each.
        shape: its shape.
        dtype: its dtype; opaque bytes for dtypes that HDF5 lacks.
        chunks: the shape of a chunk; None if it is stored as one piece.
    """

    dataset: Any
    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...] | None

    @property
    def declared_size(self) -> int:
        """The size in bytes after decompression."""
        # HDF5 decompresses whole chunks, even if little of a chunk belongs to the array.
        elements: int = max(math.prod(self.shape), math.prod(self.chunks or (0,)))
        return elements * self.dtype.itemsize


class HDF5Reader:
    """The arrays of an open HDF5 file, the whole structure of which has been validated.

    Attributes:
        file: the file.
        shapes: the shape of each array by its key.
        nbytes: the size of all arrays together.
    """

    def __init__(
        self, file: Any, raw: IO[bytes], size: int, name: str, compressed: int | None = None
    ) -> None:
        self.file = file
        start = file.userblock_size

        def read(address: int, count: int) -> bytes:
            raw.seek(start + min(address, size))
            return raw.read(count)

        nbytes = size if compressed is None else compressed
        self._read_bytes = read
        self._found = _find_datasets(file, name, budget.limit("HDF5 objects", nbytes), read)
        self.shapes = {key: item.shape for key, item in self._found.items()}
        # Only chunked datasets can be compressed.
        chunked = [item for item in self._found.values() if item.chunks is not None]
        contiguous = [item for item in self._found.values() if item.chunks is None]
        stored, decompressed = (
            sum(item.declared_size for item in items) for items in (contiguous, chunked)
        )
        if stored > size:
            raise ValueError(f"{name} declares {stored} bytes of arrays, and has {size} bytes.")
        budget.check("bytes after decompression", decompressed, size, name)
        self.nbytes = stored + decompressed
        self._checksums = {key: _read_checksum(item) for key, item in self._found.items()}
        if any(checksum is not None for checksum in self._checksums.values()):
            # Damage may have changed the name of the attribute, and the numbers.
            self._checksums = {
                key: _NO_CHECKSUM if checksum is None else checksum
                for key, checksum in self._checksums.items()
            }

    def read_names(self) -> dict[str, str]:
        """Returns the names of layers and other objects that the file has, by their path."""
        paths = {""}
        for key in self.shapes:
            parts = key.split("/")[:-1]
            paths.update("/".join(parts[: i + 1]) for i in range(len(parts)) if parts[i] != "vars")
        names = {}
        for path in sorted(paths):
            # Keras writes the name to the group of the arrays of an object, which may be empty.
            group = self.file.get(f"{path}/vars".lstrip("/"))
            if group is None or "name" not in group.attrs:
                continue
            name = self.read_attribute(group, "name")
            if isinstance(name, (str, bytes)):
                names[path] = name if isinstance(name, str) else name.decode(errors="replace")
        return names

    def read_attribute(self, item: Any, name: str) -> Any:
        """Returns the value of an attribute, whose size is compared with that of the file.

        Args:
            item: a group or dataset of the file.
            name: the name of the attribute.
        """
        return read_attribute(item, name, self._read_bytes)

    def checksum(self, key: str) -> int | None:
        """Returns the checksum that the file has for an array, or None."""
        return self._checksums[key]

    def _read_dtype_name(self, item: _StoredArray) -> str | None:
        from h5py import Dataset

        dataset = Dataset(item.dataset)
        name = self.read_attribute(dataset, "dtype") if "dtype" in dataset.attrs else None
        return name if isinstance(name, str) else None

    def read(self, key: str) -> np.ndarray:
        """Reads an array."""
        item = self._found[key]
        dtype = item.dtype
        if dtype.kind == "V":
            dtype = from_opaque(dtype, self._read_dtype_name(item))
        if dtype.kind not in _KINDS and dtype.name not in EXTENDED_DTYPES:
            raise ValueError(f"{key!r} holds values of dtype {dtype}, not numbers.")
        array = np.empty(item.shape, item.dtype)
        if array.size:
            from h5py import h5s

            item.dataset.read(h5s.ALL, h5s.ALL, array)
        if dtype is not item.dtype:
            array = array.view(dtype)
        checksums.verify(array, self._checksums[key], key)
        return array


@contextlib.contextmanager
def open_hdf5(source: Path | BytesIO, compressed: int | None = None) -> Iterator[HDF5Reader]:
    """Opens an HDF5 file for reading.

    Args:
        source: the file.
        compressed: its size in an archive.

    Raises:
        ValueError: the file is not an HDF5 file, contains links, external or virtual data, or
            filters other than deflate, shuffle and checksum, or declares more than it contains.
    """
    h5py = _import_h5py()
    if isinstance(source, BytesIO):
        size, name = source.getbuffer().nbytes, "The HDF5 file in the archive"
    else:
        size, name = source.stat().st_size, repr(str(source))
    with contextlib.ExitStack() as stack:
        stack.enter_context(validation.wrap_read_errors(name))
        file = stack.enter_context(h5py.File(source, "r"))
        raw: IO[bytes]
        if isinstance(source, BytesIO):
            raw = source  # h5py seeks before it reads
        else:
            raw = stack.enter_context(open(source, "rb"))
        yield HDF5Reader(file, raw, size, name, compressed)


def _find_datasets(
    root: Any, name: str, max_objects: float, read: ReadBytes
) -> dict[str, _StoredArray]:
    """Returns the arrays of a file by their paths.

    Args:
        root: the file.
        name: the file, as messages show it.
        max_objects: how many groups and arrays it may have.
        read: reads bytes of the file, given the address and how many.

    Raises:
        ValueError: the file contains links, an object under two names, or unsupported data.
    """
    from h5py import h5d, h5g, h5l, h5o

    found: dict[str, _StoredArray] = {}
    low, high = h5g.get_objinfo(root.id, b".").objno
    todo, seen, count = [("", root.id)], {low | high << 32}, 0
    while todo:
        prefix, group = todo.pop()
        for key in group:
            count += 1
            if count > max_objects:
                raise ValueError(
                    f"{name} asks for more than its size justifies: it has more than "
                    f"{max_objects:,.0f} HDF5 objects."
                )
            path = f"{prefix}{key.decode()}"
            location = f"{name}: {'/' + path!r}"
            # Checked before the object is opened, because a link may lead to another file.
            link = group.links.get_info(key)
            if link.type != h5l.TYPE_HARD:
                raise ValueError(f"{location} is a link. Links are not supported.")
            # `h5o.get_info` also returns it, and crashes if the index of the chunks is damaged.
            if link.u in seen:
                raise ValueError(f"{location} is stored under two names.")
            seen.add(link.u)
            if is_outside(read, link.u):
                raise ValueError(f"{location} stores its data outside the file.")
            item = h5o.open(group, key)
            if isinstance(item, h5g.GroupID):
                todo.append((f"{path}/", item))
            elif isinstance(item, h5d.DatasetID):
                found[path] = _describe(item, location)
            else:
                raise ValueError(f"{location} is neither a group nor an array.")
    return found


def _describe(dataset: Any, location: str) -> _StoredArray:
    """Returns what a file declares about an array.

    Raises:
        ValueError: a part of the array is missing, outside the file or in an unsupported format.
    """
    from h5py import h5d, h5s

    space = dataset.get_space()
    if space.get_simple_extent_type() == h5s.NULL:
        raise ValueError(f"{location} has no shape.")
    properties = dataset.get_create_plist()
    layout = properties.get_layout()
    if properties.get_external_count() or layout == h5d.VIRTUAL:
        raise ValueError(f"{location} stores its data outside the file.")
    for i in range(properties.get_nfilters()):
        code = properties.get_filter(i)[0]
        if code not in _FILTERS:
            raise ValueError(f"{location} uses the HDF5 filter {code}, which is not supported.")
    shape = space.get_simple_extent_dims() if space.get_simple_extent_ndims() else ()
    if layout == h5d.CHUNKED:
        chunks = properties.get_chunk()
        stored = dataset.get_num_chunks()
        declared = math.prod(-(-n // chunk) for n, chunk in zip(shape, chunks, strict=True))
    else:
        chunks = None
        stored = dataset.get_storage_size()
        declared = math.prod(shape) * dataset.get_type().get_size()
    if stored != declared:
        raise ValueError(f"{location} was never written completely: numbers are missing.")
    return _StoredArray(dataset, tuple(shape), dataset.dtype, chunks)


def _read_checksum(item: _StoredArray) -> int | None:
    from h5py import h5a

    if not h5a.exists(item.dataset, _CHECKSUM):
        return None
    attribute = h5a.open(item.dataset, _CHECKSUM)
    value = np.zeros((), np.uint32)
    if attribute.shape != () or attribute.dtype != value.dtype:
        return None
    attribute.read(value)
    return int(value)


def write_hdf5(target: Path | BytesIO, arrays: Mapping[str, np.ndarray]) -> dict[str, int]:
    """Writes arrays as an HDF5 file, with their checksums, which it returns by key.

    Raises:
        OSError: writing failed, for example on a full disk.
    """
    h5py = _import_h5py()
    with contextlib.ExitStack() as stack:
        # HDF5's own driver ends the process if the disk is full when the file is closed.
        out = target if isinstance(target, BytesIO) else stack.enter_context(open(target, "w+b"))
        file = stack.enter_context(h5py.File(out, "w"))
        # In a thread of its own, because a checksum takes as long as writing the array.
        pool = ThreadPoolExecutor(1, "cornu-checksums")
        stack.callback(pool.shutdown, cancel_futures=True)
        sums = pool.map(checksums.compute, arrays.values())
        written: dict[str, int] = {}
        for (key, array), checksum in zip(arrays.items(), sums, strict=True):
            _write_dataset(file.id, key, array, checksum)
            written[key] = checksum
    return written


def _write_dataset(file: Any, key: str, array: np.ndarray, checksum: int) -> None:
    # The low-level interface takes less time than `create_dataset`, and a tenth of that of `attrs`.
    from h5py import Dataset, h5a, h5d, h5p, h5s, h5t

    links = h5p.create(h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    links.set_char_encoding(h5t.CSET_UTF8)
    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_obj_track_times(False)  # equal arrays give equal files
    # As Keras stores bfloat16.
    data, name = as_opaque(np.asarray(array, order="C"))
    dtype = h5t.py_create(data.dtype, logical=True)
    space = h5s.create_simple(data.shape) if data.shape else h5s.create(h5s.SCALAR)
    item = h5d.create(file, key.encode(), dtype, space, properties, links)
    item.write(h5s.ALL, h5s.ALL, data)
    if name is not None:
        Dataset(item).attrs["dtype"] = name
    attribute = h5a.create(item, _CHECKSUM, h5t.STD_U32LE, h5s.create(h5s.SCALAR))
    attribute.write(np.array(checksum, np.uint32))


def _import_h5py() -> Any:
    # An interrupt within its import would leave parts of it, which are never imported again.
    with deferred_signals() if "h5py" not in sys.modules else contextlib.nullcontext():
        import h5py
    return h5py
