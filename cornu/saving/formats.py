"""Files of arrays: how each format is opened and written, by the ending of its name."""

from __future__ import annotations

import contextlib
import io
import math
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import ml_dtypes
import numpy as np

from cornu.saving import gate
from cornu.saving.hdf5 import open_h5, write_h5
from cornu.saving.orbax import open_checkpoint

__all__ = ["READERS", "WEIGHTS", "WRITERS", "Arrays", "opened"]

WEIGHTS = "model.weights.h5"  # the member of a `.keras` archive


class Arrays(Protocol):
    """Arrays in an open file that was looked through."""

    shapes: dict[str, tuple[int, ...]]
    nbytes: int

    def read(self, place: str) -> np.ndarray:
        """Reads an array."""


def opened(path: Path) -> AbstractContextManager[Arrays]:
    """Opens a file of arrays for reading; its ending says how, or that it is a folder."""
    if path.is_dir():
        return open_checkpoint(path)
    for ending, reader in READERS.items():
        if path.name.endswith(ending):
            return reader(path)
    raise ValueError(
        f"Weights are read from files that end in {', '.join(READERS)}. Received: {str(path)!r}"
    )


@contextlib.contextmanager
def _open_archive(path: Path) -> Iterator[Arrays]:
    with gate.refusing(repr(str(path))), gate.open_zip(path) as archive:
        data = io.BytesIO(gate.read_member(archive, WEIGHTS))
    with open_h5(data) as arrays:
        yield arrays


# ------------------------------------------------------------------------------------ safetensors


class _Tensors:
    def __init__(self, file: Any, nbytes: int) -> None:
        self._file = file
        self.shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}
        self.nbytes = nbytes
        self.read = file.get_tensor


@contextlib.contextmanager
def _open_tensors(path: Path) -> Iterator[Arrays]:
    from safetensors import safe_open

    with gate.refusing(repr(str(path))), safe_open(path, "np") as file:
        yield _Tensors(file, path.stat().st_size)


def _write_tensors(path: Path, arrays: dict[str, np.ndarray]) -> None:
    from safetensors.numpy import save_file

    rows_first = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    save_file(rows_first, path, metadata={"format": "cornu"})


# -------------------------------------------------------------------------------------------- npz


class _Members:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._headers = {
            name.removesuffix(".npy"): self._header(name)
            for name in archive.namelist()
            if name.endswith(".npy")
        }
        self.shapes = {place: header[0] for place, header in self._headers.items()}
        self.nbytes = sum(member.file_size for member in archive.infolist())

    def _header(self, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
        with self._archive.open(name) as file:
            if np.lib.format.read_magic(file) == (1, 0):
                return np.lib.format.read_array_header_1_0(file)
            return np.lib.format.read_array_header_2_0(file)

    def read(self, place: str) -> np.ndarray:
        shape, columns_first, dtype = self._headers[place]
        if dtype == np.dtype("V2"):
            dtype = np.dtype(ml_dtypes.bfloat16)
        elif dtype.kind not in "fiubc":
            raise ValueError(f"{place!r} holds {dtype}, not numbers.")
        data = gate.read_member(self._archive, f"{place}.npy")
        count = math.prod(shape)
        array = np.frombuffer(data, dtype, count, len(data) - count * dtype.itemsize)
        return array.reshape(shape, order="F" if columns_first else "C")


@contextlib.contextmanager
def _open_npz(path: Path) -> Iterator[Arrays]:
    with gate.refusing(repr(str(path))), gate.open_zip(path) as archive:
        yield _Members(archive)


def _write_npz(path: Path, arrays: dict[str, np.ndarray]) -> None:
    with open(path, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


WRITERS = {
    ".weights.h5": write_h5,
    ".h5": write_h5,
    ".safetensors": _write_tensors,
    ".npz": _write_npz,
}
READERS = {
    ".h5": open_h5,
    ".safetensors": _open_tensors,
    ".npz": _open_npz,
    ".keras": _open_archive,
}
