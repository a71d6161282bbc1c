"""The `.keras` archive: a zip file of the model's config, metadata and weights."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

import numpy as np

from cornu._version import KERAS_VERSION, __version__
from cornu.saving import validation
from cornu.saving.formats.array_reader import ArrayReader
from cornu.saving.formats.hdf5 import open_hdf5, write_hdf5
from cornu.saving.formats.safetensors import SafetensorsReader, map_file, stream_safetensors

__all__ = [
    "ASSETS",
    "CONFIG",
    "METADATA",
    "TENSORS",
    "WEIGHTS",
    "WEIGHTS_FORMATS",
    "KerasArchive",
    "describe_version",
    "open_archived_weights",
    "open_keras_archive",
    "write_keras_archive",
]

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
TENSORS = "model.safetensors"  # the name of such files in other libraries
ASSETS = "assets"
# Of the header before each member: its signature, and the sizes of the name and extra fields.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_SIGNATURE = b"PK\x03\x04"
_EXTRA = struct.Struct("<HH")  # the header of an extra field: its kind and size
_ZIP64_SIZE = 20  # bytes of the extra field of members that may be larger than 4 GB
_PADDING = 0xD935  # the kind that is padding, for other programs as well
_PAGE = 4096


def write_keras_archive(
    target: Path | IO[bytes],
    config: str,
    arrays: Mapping[str, np.ndarray],
    assets: Path | None = None,
    weights_format: str = "h5",
) -> None:
    """Writes an archive.

    Args:
        target: the path of a new file, or an open file.
        config: the JSON config of a model.
        arrays: its weights by storage key.
        assets: a folder of further files.
        weights_format: a key of `WEIGHTS_FORMATS`.
    """
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(METADATA, describe_version())
        archive.writestr(CONFIG, config)
        WEIGHTS_FORMATS[weights_format](archive, arrays)
        if assets is not None:
            for file in sorted(path for path in assets.rglob("*") if path.is_file()):
                archive.write(file, f"{ASSETS}/{file.relative_to(assets).as_posix()}")


def describe_version() -> str:
    """Returns the metadata of a model that is saved now, as JSON."""
    return json.dumps(
        {
            "keras_version": KERAS_VERSION,
            "cornu_version": __version__,
            "date_saved": datetime.now().strftime("%Y-%m-%d@%H:%M:%S"),
        }
    )


def _add_hdf5(archive: zipfile.ZipFile, arrays: Mapping[str, np.ndarray]) -> None:
    # h5py needs a file in which it can seek, and a member of an archive is none.
    weights = io.BytesIO()
    write_hdf5(weights, arrays)
    archive.writestr(WEIGHTS, weights.getbuffer())


def _add_safetensors(archive: zipfile.ZipFile, arrays: Mapping[str, np.ndarray]) -> None:
    member = zipfile.ZipInfo(TENSORS)
    if archive.fp is not None:
        # Padding in the form of an extra field, so that the member begins with a page.
        header = _LOCAL_HEADER.size + len(TENSORS) + _ZIP64_SIZE + _EXTRA.size
        padding = -(archive.fp.tell() + header) % _PAGE
        member.extra = _EXTRA.pack(_PADDING, padding) + bytes(padding)
    with archive.open(member, "w", force_zip64=True) as file:
        stream_safetensors(file, arrays)


# How weights are written to an archive. Keras reads "h5".
WEIGHTS_FORMATS: dict[str, Callable[[zipfile.ZipFile, Mapping[str, np.ndarray]], None]] = {
    "h5": _add_hdf5,
    "safetensors": _add_safetensors,
}


@dataclasses.dataclass
class KerasArchive:
    """An open archive.

    Attributes:
        name: the archive, as messages show it.
        config: the JSON config of the model.
        config_size: the bytes that the config takes in the archive.
        reader: its weights.
    """

    name: str
    config: bytes
    config_size: int
    reader: ArrayReader
    _zip: zipfile.ZipFile

    def read_metadata(self) -> dict[str, Any]:
        """Reads the metadata: the versions of the libraries, and the date."""
        with validation.wrap_read_errors(self.name):
            data = validation.read_zip_member(self._zip, METADATA)
            found = validation.read_json(data, METADATA)
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
        prefix = f"{ASSETS}/{folder}/" if folder else f"{ASSETS}/"
        names = [n for n in self._zip.namelist() if n.startswith(prefix) and not n.endswith("/")]
        for name in names:
            path = validation.resolve_member(target, name.removeprefix(prefix), self.name)
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
            config = validation.read_zip_member(archive, CONFIG)
            config_size = archive.getinfo(CONFIG).compress_size
        reader = stack.enter_context(_open_weights(archive, source, name))
        yield KerasArchive(name, config, config_size, reader, archive)


@contextlib.contextmanager
def open_archived_weights(path: Path) -> Iterator[ArrayReader]:
    """Opens the weights of an archive for reading; the config is not needed."""
    name = repr(str(path))
    with contextlib.ExitStack() as stack:
        with validation.wrap_read_errors(name):
            archive = stack.enter_context(validation.open_zip(path, name))
        yield stack.enter_context(_open_weights(archive, path, name))


@contextlib.contextmanager
def _open_weights(
    archive: zipfile.ZipFile, source: Path | IO[bytes], name: str
) -> Iterator[ArrayReader]:
    with validation.wrap_read_errors(name):
        if TENSORS not in archive.NameToInfo:
            weights = io.BytesIO(validation.read_zip_member(archive, WEIGHTS))
            compressed = archive.getinfo(WEIGHTS).compress_size
        elif WEIGHTS in archive.NameToInfo:
            raise ValueError(f"{name} has weights in two formats, {WEIGHTS!r} and {TENSORS!r}.")
        else:
            yield _open_tensors(archive, source, f"{TENSORS!r} of {name}")
            return
    with open_hdf5(weights, compressed) as reader:
        yield reader


def _open_tensors(
    archive: zipfile.ZipFile, source: Path | IO[bytes], name: str
) -> SafetensorsReader:
    member = archive.getinfo(TENSORS)
    if isinstance(source, Path) and member.compress_type == zipfile.ZIP_STORED:
        reader = SafetensorsReader(_map_member(member, source), name)
        if reader.has_checksums:
            return reader
    # The archive has a checksum of the whole member.
    return SafetensorsReader(memoryview(validation.read_zip_member(archive, TENSORS)), name)


def _map_member(member: zipfile.ZipInfo, path: Path) -> memoryview:
    """Returns the contents of a member that is not compressed, mapped into memory."""
    data = map_file(path)
    header = data[member.header_offset : member.header_offset + _LOCAL_HEADER.size]
    signature, name_size, extra_size = _LOCAL_HEADER.unpack(header)
    begin = member.header_offset + _LOCAL_HEADER.size + name_size + extra_size
    contents = data[begin : begin + member.file_size]
    if signature != _SIGNATURE or not (len(contents) == member.file_size == member.compress_size):
        raise ValueError(f"The archive member {member.filename!r} does not have its declared size.")
    return contents
