"""The `.keras` archive: a zip file of the model's config, metadata and weights."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

import numpy as np

from cornu._version import __version__
from cornu.saving import validation
from cornu.saving.formats.hdf5 import HDF5Reader, open_hdf5, write_hdf5

__all__ = ["open_archived_weights", "open_keras_archive", "write_keras_archive"]

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
_KERAS_VERSION = "3.15.1"  # the release of Keras whose layout the archive has


def write_keras_archive(path: Path, config: str, arrays: Mapping[str, np.ndarray]) -> None:
    """Writes the JSON config of a model and its weights by storage key."""
    metadata = {
        "keras_version": _KERAS_VERSION,
        "cornu_version": __version__,
        "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
    }
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(_METADATA, json.dumps(metadata))
        archive.writestr(_CONFIG, config)
        weights = io.BytesIO()
        write_hdf5(weights, arrays)
        archive.writestr(_WEIGHTS, weights.getbuffer())


@contextlib.contextmanager
def open_keras_archive(path: Path) -> Iterator[tuple[bytes, HDF5Reader]]:
    """Opens an archive for reading; yields its JSON config and its weights."""
    with validation.wrap_read_errors(repr(str(path))), validation.open_zip(path) as archive:
        config = validation.read_zip_member(archive, _CONFIG)
        weights = io.BytesIO(validation.read_zip_member(archive, _WEIGHTS))
    with open_hdf5(weights) as reader:
        yield config, reader


@contextlib.contextmanager
def open_archived_weights(path: Path) -> Iterator[HDF5Reader]:
    """Opens the weights of an archive for reading; the config is not needed."""
    with validation.wrap_read_errors(repr(str(path))), validation.open_zip(path) as archive:
        weights = io.BytesIO(validation.read_zip_member(archive, _WEIGHTS))
    with open_hdf5(weights) as reader:
        yield reader
