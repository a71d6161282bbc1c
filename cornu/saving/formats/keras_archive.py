"""The `.keras` archive: a zip file of the model's config, metadata and weights."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from cornu._version import __version__
from cornu.saving import validation
from cornu.saving.formats.hdf5 import HDF5Reader, open_hdf5, write_hdf5

__all__ = ["KerasArchive", "open_archived_weights", "open_keras_archive", "write_keras_archive"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_ASSETS = "assets"
_KERAS_VERSION = "3.15.1"  # the release of Keras whose layout the archive has


def write_keras_archive(
    target: Path | IO[bytes],
    config: str,
    arrays: Mapping[str, np.ndarray],
    assets: Path | None = None,
) -> None:
    """Writes an archive.

    Args:
        target: the path of a new file, or an open file.
        config: the JSON config of a model.
        arrays: its weights by storage key.
        assets: a folder of further files.
    """
    metadata = {
        "keras_version": _KERAS_VERSION,
        "cornu_version": __version__,
        "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, config)
        # h5py needs a file in which it can seek, and a member of an archive is none.
        weights = io.BytesIO()
        write_hdf5(weights, arrays)
        archive.writestr(_WEIGHTS, weights.getbuffer())
        if assets is not None:
            for file in sorted(path for path in assets.rglob("*") if path.is_file()):
                archive.write(file, f"{_ASSETS}/{file.relative_to(assets).as_posix()}")


@dataclasses.dataclass
class KerasArchive:
    """An open archive.

    Attributes:
        name: the archive, as messages show it.
        config: the JSON config of the model.
        reader: its weights.
    """

    name: str
    config: bytes
    reader: HDF5Reader
    _zip: zipfile.ZipFile

    def read_metadata(self) -> dict[str, Any]:
        """Reads the metadata: the versions of the libraries, and the date."""
        with validation.wrap_read_errors(self.name):
            data = validation.read_zip_member(self._zip, _METADATA)
            found = validation.read_json(data, _METADATA)
        return found if isinstance(found, dict) else {}

    def extract_assets(self, folder: str, target: Path) -> bool:
        """Writes the files of one folder of the assets into a directory.

        Args:
            folder: the path of the folder within the assets.
            target: an existing directory.

        Returns:
            Whether the archive has such files.

        Raises:
            ValueError: the name of a file leads out of the directory.
        """
        prefix = f"{_ASSETS}/{folder}/" if folder else f"{_ASSETS}/"
        names = [n for n in self._zip.namelist() if n.startswith(prefix) and not n.endswith("/")]
        for name in names:
            parts = name.removeprefix(prefix).split("/")
            if any(part in ("", ".", "..") or set(part) & set("\\:\0") for part in parts):
                raise ValueError(f"The archive member {name!r} is not a plain path.")
            path = target.joinpath(*parts)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(validation.read_zip_member(self._zip, name))
        return bool(names)


@contextlib.contextmanager
def open_keras_archive(source: Path | IO[bytes]) -> Iterator[KerasArchive]:
    """Opens an archive for reading."""
    name = repr(str(source)) if isinstance(source, Path) else "The file object"
    with contextlib.ExitStack() as stack:
        with validation.wrap_read_errors(name):
            archive = stack.enter_context(validation.open_zip(source, name))
            config = validation.read_zip_member(archive, _CONFIG)
            weights = io.BytesIO(validation.read_zip_member(archive, _WEIGHTS))
        reader = stack.enter_context(open_hdf5(weights))
        yield KerasArchive(name, config, reader, archive)


@contextlib.contextmanager
def open_archived_weights(path: Path) -> Iterator[HDF5Reader]:
    """Opens the weights of an archive for reading; the config is not needed."""
    name = repr(str(path))
    with validation.wrap_read_errors(name), validation.open_zip(path, name) as archive:
        weights = io.BytesIO(validation.read_zip_member(archive, _WEIGHTS))
    with open_hdf5(weights) as reader:
        yield reader
