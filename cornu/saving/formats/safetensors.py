"""Arrays in safetensors files."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cornu.saving import checksums
from cornu.saving.validation import read_json, wrap_read_errors

__all__ = ["SafetensorsReader", "open_safetensors", "write_safetensors", "write_tensors"]

_CHECKSUMS = "crc32"  # the entry of the metadata, JSON of a checksum by key


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
        text = (file.metadata() or {}).get(_CHECKSUMS)
        found = {} if text is None else read_json(text, "The table of checksums")
        self._checksums: dict[str, Any] = found if isinstance(found, dict) else {}

    def read(self, key: str) -> np.ndarray:
        """Reads an array, and verifies its checksum if the file has one."""
        array: np.ndarray = self._file.get_tensor(key)
        checksums.verify(array, self._checksums.get(key), key)
        return array


@contextlib.contextmanager
def open_safetensors(path: Path) -> Iterator[SafetensorsReader]:
    """Opens a safetensors file for reading; a damaged file raises ValueError."""
    from safetensors import safe_open

    with wrap_read_errors(repr(str(path))), safe_open(path, "np") as file:
        yield SafetensorsReader(file, path.stat().st_size)


def write_safetensors(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes arrays as a safetensors file, with their checksums."""
    # The format has no checksums of its own.
    table = {key: checksums.compute(array) for key, array in arrays.items()}
    write_tensors(path, arrays, {"format": "cornu", _CHECKSUMS: json.dumps(table)})


def write_tensors(path: Path, arrays: Mapping[str, np.ndarray], metadata: dict[str, str]) -> None:
    """Writes arrays and metadata as a safetensors file.

    Raises:
        OSError: writing failed, for example on a full disk.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    # save_file writes the buffer as it is, so arrays in Fortran order would be read transposed.
    c_ordered = {key: np.asarray(array, order="C") for key, array in arrays.items()}
    try:
        save_file(c_ordered, path, metadata)
    except SafetensorError as error:
        raise OSError(f"{str(path)!r} could not be written. {error}") from error
