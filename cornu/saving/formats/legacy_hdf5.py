"""HDF5 files of Keras 1 and 2, in which models are attributes and weights belong to named layers.

Keras 3 still writes this layout to paths that end in `.h5`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from cornu.saving.formats.hdf5 import HDF5Reader, write_hdf5

__all__ = [
    "HDF5_SUFFIXES",
    "LayerArrays",
    "LegacyModel",
    "is_hdf5",
    "read_layers",
    "read_model",
    "read_version",
    "write_legacy_model",
]

HDF5_SUFFIXES = (".h5", ".hdf5")  # of files that contain a model
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WEIGHTS, _OPTIMIZER, _TOP = "model_weights", "optimizer_weights", "top_level_model_weights"


# Names in one attribute, which HDF5 limits to 64 KiB; each takes 16 bytes.
_MAX_NAMES = 4000


class LayerArrays(NamedTuple):
    """The arrays of one layer in a file.

    Attributes:
        name: the name of the layer; '' for the weights of the model itself.
        keys: the keys of its arrays, in the order of the file.
        names: the names of the arrays.
    """

    name: str
    keys: list[str]
    names: list[str]


class LegacyModel(NamedTuple):
    """What a file says of a model.

    Attributes:
        config: the JSON of its architecture, or None.
        training: the JSON of the arguments of `compile`, or None.
        optimizer: the keys of the arrays of the optimizer, by their names.
    """

    config: str | None
    training: str | None
    optimizer: dict[str, str]


def is_hdf5(head: bytes) -> bool:
    """Returns whether a file that begins with some bytes is an HDF5 file."""
    return head.startswith(_SIGNATURE)


def read_model(reader: HDF5Reader) -> LegacyModel:
    """Reads the architecture of a model and the arguments of `compile`.

    Raises:
        ValueError: an attribute is not a text.
    """
    root = reader.file
    optimizer: dict[str, str] = {}
    group = _subgroup(root, _OPTIMIZER)
    if group is not None:
        for name in _read_names(reader, group, "weight_names"):
            key = f"{_OPTIMIZER}/{name}"
            if key not in reader.shapes:
                raise ValueError(f"{root.filename!r} has no array {key!r}.")
            optimizer[name] = key
    return LegacyModel(
        _read_text(reader, root, "model_config"),
        _read_text(reader, root, "training_config"),
        optimizer,
    )


def read_version(reader: HDF5Reader) -> tuple[str | None, str | None]:
    """Returns the version of Keras and the backend that a file was written with."""
    groups = [reader.file, _subgroup(reader.file, _WEIGHTS)]
    found = []
    for name in ("keras_version", "backend"):
        texts = [_read_text(reader, g, name) for g in groups if g is not None]
        found.append(next((text for text in texts if text is not None), None))
    return found[0], found[1]


def read_layers(reader: HDF5Reader) -> list[LayerArrays] | None:
    """Returns the layers with weights, in the order of the file.

    Returns:
        None if the file has another layout. The weights of the model itself come last, under the
        name ''.

    Raises:
        ValueError: the file lacks a layer or an array that it names.
    """
    root = reader.file
    if not _has_names(root, "layer_names"):
        root = _subgroup(root, _WEIGHTS)  # in files with the architecture
    if root is None or not _has_names(root, "layer_names"):
        return None
    layers = [(name, name) for name in _read_names(reader, root, "layer_names")]
    if not layers:
        return None
    if _TOP in root:
        layers.append(("", _TOP))
    found = []
    for name, group_name in layers:
        group = _subgroup(root, group_name)
        if group is None:
            raise ValueError(f"{reader.file.filename!r} has no group of layer {name!r}.")
        prefix = group.name.lstrip("/")
        names = _read_names(reader, group, "weight_names")
        keys = [f"{prefix}/{weight}" for weight in names]
        if missing := [key for key in keys if key not in reader.shapes]:
            raise ValueError(f"{reader.file.filename!r} has no array {missing[0]!r}.")
        if keys:
            found.append(LayerArrays(name, keys, names))
    return found


def _subgroup(group: Any, name: str) -> Any:
    import h5py

    found = group.get(name)
    return found if isinstance(found, h5py.Group) else None


def _has_names(group: Any, name: str) -> bool:
    return name in group.attrs or f"{name}0" in group.attrs


def _read_names(reader: HDF5Reader, group: Any, name: str) -> list[str]:
    """Reads a list of strings, which Keras splits over several attributes if it is long."""
    parts = [name] if name in group.attrs else []
    while f"{name}{len(parts)}" in group.attrs:
        parts.append(f"{name}{len(parts)}")
    values = [v for part in parts for v in np.asarray(reader.read_attribute(group, part)).tolist()]
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]


def _read_text(reader: HDF5Reader, group: Any, name: str) -> str | None:
    """Reads an attribute that is one string, or returns None."""
    if name not in group.attrs:
        return None
    value = reader.read_attribute(group, name)
    if isinstance(value, (bytes, np.bytes_)):
        value = bytes(value).decode()
    if not isinstance(value, str):
        raise ValueError(f"{group.file.filename!r}: the attribute {name!r} must be a text.")
    return value


def write_legacy_model(
    path: Path,
    attributes: Mapping[str, str],
    layers: Sequence[tuple[str, Mapping[str, np.ndarray]]],
    own: Mapping[str, np.ndarray],
    optimizer: Mapping[str, np.ndarray],
) -> None:
    """Writes a model.

    Args:
        path: a new file.
        attributes: what describes the model: `model_config` and others.
        layers: the names of all layers, with their arrays by name.
        own: the arrays of the model itself.
        optimizer: the arrays of the optimizer.

    Raises:
        OSError: writing failed, for example on a full disk.
    """
    import h5py

    groups = {f"{_WEIGHTS}/{name}": arrays for name, arrays in layers}
    groups[f"{_WEIGHTS}/{_TOP}"] = own
    groups |= {_OPTIMIZER: optimizer} if optimizer else {}
    arrays = {f"{g}/{n}": array for g, named in groups.items() for n, array in named.items()}
    write_hdf5(path, arrays)
    # HDF5's own driver ends the process if the disk is full when the file is closed.
    with open(path, "r+b") as out, h5py.File(out, "r+") as file:
        # Keras 1 and 2 decode what they read, so that attributes must be bytes.
        for name, text in attributes.items():
            file.attrs[name] = text.encode()
        for group_name, named in groups.items():
            _write_names(file.require_group(group_name), "weight_names", list(named))
        weights = file[_WEIGHTS]
        _write_names(weights, "layer_names", [name for name, _ in layers])
        for name in ("keras_version", "backend"):
            weights.attrs[name] = attributes[name].encode()


def _write_names(group: Any, name: str, names: list[str]) -> None:
    parts = [names[i : i + _MAX_NAMES] for i in range(0, len(names), _MAX_NAMES)] or [[]]
    for number, part in enumerate(parts):
        suffix = str(number) if len(parts) > 1 else ""
        group.attrs[f"{name}{suffix}"] = np.array([one.encode() for one in part], np.bytes_)
