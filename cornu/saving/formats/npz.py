"""Arrays in npz files, read without `numpy.load`."""

from __future__ import annotations

import contextlib
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from cornu.saving import validation
from cornu.saving.formats.extended_dtypes import EXTENDED_DTYPES, as_opaque, from_opaque

__all__ = ["NpzReader", "open_npz", "write_npz"]

_MAX_NAME = 65535  # bytes of the name of a member of a zip file
_HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class _Header(NamedTuple):
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype
    start: int  # of the numbers, in bytes


class NpzReader:
    """The arrays of an open npz archive.

    Members are parsed here rather than by `numpy.load`, which allocates the size that a header
    declares before it reads the data.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of all members after decompression.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._headers = {
            name.removesuffix(".npy"): self._read_header(name)
            for name in archive.namelist()
            if name.endswith(".npy")
        }
        self.shapes = {key: header.shape for key, header in self._headers.items()}
        self.nbytes = sum(member.file_size for member in archive.infolist())

    def _read_header(self, name: str) -> _Header:
        with self._archive.open(name) as file:
            version = np.lib.format.read_magic(file)
            if version not in _HEADER_READERS:
                raise ValueError(f"{name!r} has the version {version} of the format, not 1 or 2.")
            shape, fortran_order, dtype = _HEADER_READERS[version](file)
            start = file.tell()
        if dtype.kind == "V":
            stated = self._archive.getinfo(name).comment.decode(errors="replace")
            # NumPy writes bfloat16 without its name.
            dtype = from_opaque(dtype, stated or ("bfloat16" if dtype.itemsize == 2 else None))
        return _Header(shape, fortran_order, dtype, start)

    def read(self, key: str) -> np.ndarray:
        """Reads an array."""
        shape, fortran_order, dtype, start = self._headers[key]
        if dtype.kind not in "fiubc" and dtype.name not in EXTENDED_DTYPES:
            raise ValueError(f"{key!r} holds values of dtype {dtype}, not numbers.")
        data = validation.read_zip_member(self._archive, f"{key}.npy")
        count = math.prod(shape)
        if len(data) - start != count * dtype.itemsize:
            raise ValueError(
                f"{key!r} has {len(data) - start} bytes of numbers; its shape {shape} and dtype "
                f"{dtype} need {count * dtype.itemsize}. The file is damaged."
            )
        array = np.frombuffer(data, dtype, count, start)
        return array.reshape(shape, order="F" if fortran_order else "C")


@contextlib.contextmanager
def open_npz(path: Path) -> Iterator[NpzReader]:
    """Opens an npz file for reading; a damaged file raises ValueError."""
    name = repr(str(path))
    with validation.wrap_read_errors(name), validation.open_zip(path, name) as archive:
        yield NpzReader(archive)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as an npz file.

    Unlike `np.savez`, it takes any names, and equal arrays give equal files.

    Raises:
        ValueError: a name is too long for the format.
    """
    with zipfile.ZipFile(path, "w") as archive:
        for key, array in arrays.items():
            member = zipfile.ZipInfo(f"{key}.npy")  # with a constant date
            if len(member.filename.encode()) > _MAX_NAME:
                raise ValueError(
                    f"The name of a weight is too long for npz files: {key!r}.\n"
                    "Save to '.weights.h5' or '.safetensors', or give the layers shorter names."
                )
            data, name = as_opaque(np.asanyarray(array))
            member.comment = (name or "").encode()
            with archive.open(member, "w", force_zip64=True) as file:
                np.lib.format.write_array(file, data, allow_pickle=False)
