"""Arrays in npz files, read without `numpy.load`."""

from __future__ import annotations

import contextlib
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import ml_dtypes
import numpy as np

from cornu.saving import validation

__all__ = ["NpzReader", "open_npz", "write_npz"]


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
        self.shapes = {key: shape for key, (shape, _, _) in self._headers.items()}
        self.nbytes = sum(member.file_size for member in archive.infolist())

    def _read_header(self, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
        with self._archive.open(name) as file:
            if np.lib.format.read_magic(file) == (1, 0):
                return np.lib.format.read_array_header_1_0(file)
            return np.lib.format.read_array_header_2_0(file)

    def read(self, key: str) -> np.ndarray:
        """Reads an array."""
        shape, fortran_order, dtype = self._headers[key]
        if dtype == np.dtype("V2"):  # how NumPy writes bfloat16
            dtype = np.dtype(ml_dtypes.bfloat16)
        elif dtype.kind not in "fiubc":
            raise ValueError(f"{key!r} holds values of dtype {dtype}, not numbers.")
        data = validation.read_zip_member(self._archive, f"{key}.npy")
        count = math.prod(shape)
        # The values are the end of the member, after a header of any length.
        array = np.frombuffer(data, dtype, count, len(data) - count * dtype.itemsize)
        return array.reshape(shape, order="F" if fortran_order else "C")


@contextlib.contextmanager
def open_npz(path: Path) -> Iterator[NpzReader]:
    """Opens an npz file for reading; a damaged file raises ValueError."""
    name = repr(str(path))
    with validation.wrap_read_errors(name), validation.open_zip(path, name) as archive:
        yield NpzReader(archive)


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as an npz file."""
    with open(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # stubs take **kwds for allow_pickle
