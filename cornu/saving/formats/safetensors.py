"""Arrays in safetensors files, which are mapped into memory when they are read.

A file is the size of its header (8 bytes), the header, a JSON object with the dtype, shape and
position of each array, and the bytes of the arrays without gaps.
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import contextlib
import json
import math
import mmap
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import ml_dtypes
import numpy as np

from cornu.saving import checksums
from cornu.saving.validation import read_json, wrap_read_errors

__all__ = [
    "SafetensorsReader",
    "map_file",
    "open_safetensors",
    "stream_safetensors",
    "write_safetensors",
    "write_tensors",
]

_CHECKSUMS = "checksums"  # the entry of the metadata, JSON of a checksum by key
_NO_CHECKSUM = -1
_FORMAT = "cornu"  # the entry of the metadata in files with checksums
_METADATA = "__metadata__"
_SIZE_BYTES = 8
# The arrays begin at a multiple of the size of a page, so that most are aligned for vector units.
_PAGE = 4096
_MAX_SIZE = 1 << 58  # numbers in an array

_DTYPES: dict[str, np.dtype] = {
    "F64": np.dtype("<f8"),
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype(ml_dtypes.bfloat16),
    "F8_E4M3": np.dtype(ml_dtypes.float8_e4m3fn),
    "F8_E5M2": np.dtype(ml_dtypes.float8_e5m2),
    "F8_E8M0": np.dtype(ml_dtypes.float8_e8m0fnu),
    "I64": np.dtype("<i8"),
    "I32": np.dtype("<i4"),
    "I16": np.dtype("<i2"),
    "I8": np.dtype("i1"),
    "U64": np.dtype("<u8"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
    "C64": np.dtype("<c8"),
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


class _StoredTensor(NamedTuple):
    """An array as the header describes it; `start` is its position in the file in bytes."""

    shape: tuple[int, ...]
    dtype: np.dtype
    start: int


class SafetensorsReader:
    """The arrays of a safetensors file, the header of which has been validated.

    Args:
        data: the contents of the file.
        name: the file, as messages show it.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of the file.
        has_checksums: whether the file has checksums of its arrays.

    Raises:
        ValueError: the header is damaged, or does not describe exactly the bytes of the file.
    """

    def __init__(self, data: memoryview, name: str) -> None:
        self._data = data
        self._tensors, metadata = _read_header(data, name)
        self.shapes = {key: item.shape for key, item in self._tensors.items()}
        self.nbytes = len(data)
        text = metadata.get(_CHECKSUMS)
        # Damage may have changed the name of the table, and the numbers.
        if text is None and metadata.get("format") == _FORMAT:
            raise ValueError(f"{name} has lost the checksums of its arrays: the file is damaged.")
        found = None if text is None else read_json(text, "The table of checksums")
        self._checksums: dict[str, Any] | None = found if isinstance(found, dict) else None
        self.has_checksums = self._checksums is not None

    def read(self, key: str) -> np.ndarray:
        """Reads an array, and verifies its checksum if the file has one.

        Returns:
            A view of the file, which cannot be written to.
        """
        shape, dtype, start = self._tensors[key]
        if not math.prod(shape):
            array: np.ndarray = np.empty(shape, dtype)
        else:
            array = np.ndarray(shape, dtype, self._data, start)
        if self._checksums is not None:
            checksums.verify(array, self._checksums.get(key, _NO_CHECKSUM), key)
        return array


@contextlib.contextmanager
def open_safetensors(path: Path) -> Iterator[SafetensorsReader]:
    """Opens a safetensors file for reading; a damaged file raises ValueError."""
    name = repr(str(path))
    with wrap_read_errors(name):
        yield SafetensorsReader(map_file(path), name)


def map_file(path: Path) -> memoryview:
    """Returns the contents of a file, which the system reads when they are used.

    The mapping ends with the last array that is a view of it.
    """
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:  # an empty file cannot be mapped
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))


def _read_header(data: memoryview, name: str) -> tuple[dict[str, _StoredTensor], dict[str, Any]]:
    """Returns the arrays that a file describes, and its metadata."""
    if len(data) < _SIZE_BYTES:
        raise ValueError(f"{name} has {len(data)} bytes, fewer than any safetensors file.")
    begin = _SIZE_BYTES + int.from_bytes(data[:_SIZE_BYTES], "little")
    if begin > len(data):
        raise ValueError(f"{name} declares a header of {begin} bytes, and has {len(data)} bytes.")
    header = read_json(bytes(data[_SIZE_BYTES:begin]), f"The header of {name}")
    if not isinstance(header, dict):
        raise ValueError(f"The header of {name} is not a JSON object.")
    metadata = header.pop(_METADATA, {})
    found: dict[str, _StoredTensor] = {}
    ends = {}
    for key, entry in header.items():
        tensor, end = _read_entry(entry, begin, f"{name}: {key!r}")
        found[key] = tensor
        ends[key] = end
    expected = begin
    for key, tensor in sorted(found.items(), key=lambda item: (item[1].start, ends[item[0]])):
        if tensor.start != expected:
            raise ValueError(f"{name}: {key!r} overlaps another array, or does not follow it.")
        expected = ends[key]
    if expected != len(data):
        raise ValueError(
            f"{name} has {len(data)} bytes; its header describes {expected}. The file is damaged."
        )
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise ValueError(f"The metadata of {name} is not a table of texts.")
    "".join((*found, *metadata, *metadata.values())).encode()  # raises unless all is Unicode text
    return found, metadata


def _read_entry(entry: Any, begin: int, location: str) -> tuple[_StoredTensor, int]:
    """Returns an array that the header describes, and where it ends.

    Args:
        entry: the description.
        begin: the position of the first array in the file.
        location: the file and the array, as messages show them.
    """
    if not isinstance(entry, dict) or not {"dtype", "shape", "data_offsets"} <= entry.keys():
        raise ValueError(f"{location} is not described by dtype, shape and data_offsets.")
    shape, offsets, dtype = entry["shape"], entry["data_offsets"], _DTYPES.get(str(entry["dtype"]))
    if dtype is None:
        raise ValueError(
            f"{location} has the dtype {entry['dtype']!r}. Supported: {', '.join(_DTYPES)}."
        )
    # NumPy has no empty arrays of any shape: without the zeros, the size must be a number of it.
    valid = _are_sizes(shape) and math.prod(max(n, 1) for n in shape) < _MAX_SIZE
    if not valid or not _are_sizes(offsets) or len(offsets) != 2:
        raise ValueError(f"{location} has the shape {shape!r} and the offsets {offsets!r}.")
    start, end = offsets
    if end - start != math.prod(shape) * dtype.itemsize:
        raise ValueError(
            f"{location} has {end - start} bytes; the shape {tuple(shape)} and dtype {dtype} need "
            f"{math.prod(shape) * dtype.itemsize}. The file is damaged."
        )
    return _StoredTensor(tuple(shape), dtype, begin + start), begin + end


def _are_sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and n >= 0 for n in values)


def write_safetensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as a safetensors file, with their checksums.

    Raises:
        ValueError: an array has a dtype that the format lacks.
        OSError: writing failed, for example on a full disk.
    """
    with open(path, "wb", buffering=0) as file:
        stream_safetensors(file, arrays)


def stream_safetensors(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays with their checksums to a file that is open for writing."""
    arrays = {key: _to_little_endian(array) for key, array in arrays.items()}
    # The format has no checksums of its own.
    table = {key: checksums.compute(array) for key, array in arrays.items()}
    _stream(file, arrays, {"format": _FORMAT, _CHECKSUMS: json.dumps(table)})


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes arrays and metadata as a safetensors file.

    Raises:
        OSError: writing failed, for example on a full disk.
    """
    with open(path, "wb", buffering=0) as file:
        _stream(file, arrays, metadata)


def _stream(file: IO[bytes], arrays: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    # The largest numbers first, as other writers do: each array is aligned to its own numbers.
    ordered = sorted(arrays.items(), key=lambda item: -item[1].dtype.itemsize)
    header: dict[str, Any] = {_METADATA: metadata}
    parts, end = [], 0
    for key, array in ordered:
        if array.dtype not in _NAMES:
            raise ValueError(
                f"{key!r} has the dtype {array.dtype}, which safetensors files do not have.\n"
                "Save to '.weights.h5' instead."
            )
        if key == _METADATA:
            raise ValueError(f"safetensors files cannot hold an array named {key!r}.")
        # Arrays in Fortran order would be read transposed.
        parts.append(np.ascontiguousarray(array))
        header[key] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [end, end := end + array.nbytes],
        }
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(_SIZE_BYTES + len(text)) % _PAGE)
    file.write(len(text).to_bytes(_SIZE_BYTES, "little") + text)
    for part in parts:
        _write_all(file, part.reshape(-1).view(np.uint8).data)


def _to_little_endian(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind not in "fiuc":  # a dtype of `ml_dtypes` has no byte order
        return array
    return array.astype(array.dtype.newbyteorder("<"), copy=False)


def _write_all(file: IO[bytes], data: memoryview) -> None:
    # A file without a buffer may write a part of the data.
    while len(data):
        data = data[file.write(data) :]
