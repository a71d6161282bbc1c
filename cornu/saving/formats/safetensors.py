"""Arrays in safetensors files."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.saving.validation import wrap_read_errors

__all__ = ["SafetensorsReader", "open_safetensors", "write_safetensors"]


class SafetensorsReader:
    """The arrays of an open safetensors file.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of the file.
    """

    def __init__(self, file: Any, nbytes: int) -> None:
        self._file = file
        self.shapes = {key: tuple(file.get_slice(key).get_shape()) for key in file.keys()}
        self.nbytes = nbytes

    def read(self, key: str) -> np.ndarray:
        """Reads an array."""
        array: np.ndarray = self._file.get_tensor(key)
        return array


@contextlib.contextmanager
def open_safetensors(path: Path) -> Iterator[SafetensorsReader]:
    """Opens a safetensors file for reading; a damaged file raises ValueError."""
    from safetensors import safe_open

    with wrap_read_errors(repr(str(path))), safe_open(path, "np") as file:
        yield SafetensorsReader(file, path.stat().st_size)


def write_safetensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as a safetensors file."""
    from safetensors.numpy import save_file

    # save_file writes the buffer as it is, so arrays in Fortran order would be read transposed.
    c_ordered = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    save_file(c_ordered, path, metadata={"format": "cornu"})
