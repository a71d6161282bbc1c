"""The formats of weight files by file name suffix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np

from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.hdf5 import open_hdf5, write_hdf5
from cornu.saving.formats.keras_archive import open_archived_weights
from cornu.saving.formats.legacy_hdf5 import is_hdf5
from cornu.saving.formats.npz import open_npz, write_npz
from cornu.saving.formats.orbax import open_checkpoint
from cornu.saving.formats.safetensors import open_safetensors, write_safetensors
from cornu.saving.formats.sharded_hdf5 import INDEX_SUFFIX, open_sharded

__all__ = ["OPENERS", "WRITERS", "open_arrays"]

_HEAD = 16  # bytes that contain the signature of a format

WRITERS: dict[str, Callable[[Path, Mapping[str, np.ndarray]], object]] = {
    ".weights.h5": write_hdf5,
    ".h5": write_hdf5,
    ".safetensors": write_safetensors,
    ".npz": write_npz,
}
OPENERS: dict[str, Callable[[Path], AbstractContextManager[ArrayReader]]] = {
    ".h5": open_hdf5,
    ".safetensors": open_safetensors,
    ".npz": open_npz,
    ".keras": open_archived_weights,
    INDEX_SUFFIX: open_sharded,
}


def open_arrays(path: Path) -> AbstractContextManager[ArrayReader]:
    """Opens a weight file, or a directory that Orbax wrote, for reading."""
    if path.is_dir():
        return open_checkpoint(path)
    for suffix, opener in OPENERS.items():
        if path.name.endswith(suffix):
            return opener(path)
    with path.open("rb") as file:
        # Programs of Keras 1 and 2 gave HDF5 files any name, such as `weights.hdf5`.
        if is_hdf5(file.read(_HEAD)):
            return open_hdf5(path)
    raise ValueError(f"A weight file must end in {', '.join(OPENERS)}. Received: {str(path)!r}")
