"""`keras.src.saving`: HDF5 files of arrays by path, and whether a file is being loaded."""

from __future__ import annotations

import os
from collections.abc import ItemsView, KeysView
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cornu.errors import check_choice
from cornu.registry.archive import current_archive
from cornu.saving.formats.hdf5 import open_hdf5, write_hdf5

__all__ = ["H5IOStore", "in_safe_mode"]


class H5IOStore:
    """An HDF5 file of arrays, in groups by path, in the layout of weight files.

    Args:
        path_or_io: the file.
        archive: must be None.
        mode: "w" for a new file, which `close` writes, and "r" for an existing one.

    Raises:
        ValueError: the file is not a valid HDF5 file.
    """

    def __init__(
        self,
        path_or_io: str | os.PathLike[str] | BytesIO,
        archive: None = None,
        mode: Literal["r", "w"] = "r",
    ) -> None:
        if archive is not None:
            raise ValueError("H5IOStore: archive must be None; save the model with model.save().")
        self.mode = check_choice("H5IOStore", "mode", mode, ("r", "w"))
        self._target = path_or_io if isinstance(path_or_io, BytesIO) else Path(path_or_io)
        self._path = ""
        self._arrays: dict[str, np.ndarray] = {}
        if mode == "r":
            with ExitStack() as stack:
                reader = stack.enter_context(open_hdf5(self._target))
                self._arrays = {key: reader.read(key) for key in reader.shapes}

    def make(self, path: str) -> H5IOStore:
        """Selects the group that arrays are written to; returns the store."""
        return self._select(path, "w")

    def get(self, path: str) -> H5IOStore:
        """Selects the group that arrays are read from; returns the store."""
        return self._select(path, "r")

    def _select(self, path: str, mode: str) -> H5IOStore:
        if self.mode != mode:
            raise ValueError(f"The file is open with mode={self.mode!r}. Open it with {mode!r}.")
        self._path = path
        return self

    def _group(self) -> dict[str, np.ndarray]:
        prefix = self._key("")
        return {
            key.removeprefix(prefix): array
            for key, array in self._arrays.items()
            if key.startswith(prefix)
        }

    def _key(self, name: str) -> str:
        return f"{self._path}/vars/{name}".lstrip("/")

    def __setitem__(self, name: str, value: Any) -> None:
        self._arrays[self._key(name)] = np.asarray(value)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._arrays[self._key(name)]

    def __contains__(self, name: str) -> bool:
        return self._key(name) in self._arrays

    def __len__(self) -> int:
        return len(self._group())

    def __bool__(self) -> bool:
        return True  # whether the file is open, not whether the group has arrays

    def keys(self) -> KeysView[str]:
        """Returns the names of the arrays of the group."""
        return self._group().keys()

    def items(self) -> ItemsView[str, np.ndarray]:
        """Returns the names and arrays of the group."""
        return self._group().items()

    def close(self) -> None:
        """Writes the file."""
        if self.mode == "w":
            write_hdf5(self._target, self._arrays)


def in_safe_mode() -> bool:
    """Tells whether a file is being loaded, which must not refer to other files."""
    return current_archive() is not None
