"""Reads and writes the arrays of state_dicts, with torch or without it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from cornu.errors import missing_package
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.safetensors import open_safetensors, write_tensors
from cornu.saving.hub import local_weights
from cornu.saving.validation import (
    read_json_file,
    resolve_existing_path,
    resolve_member,
    wrap_read_errors,
)

__all__ = ["StateDict", "read_safetensors", "read_state_dict", "write_state_dict"]

_SAFETENSORS = ".safetensors"
_INDEX = ".safetensors.index.json"
_TORCH = (".pt", ".pth", ".bin")
# Files of repositories, the preferred ones first. Safe formats come before those of torch.
_PATTERNS = (
    "model.safetensors",
    f"*{_INDEX}",
    f"*{_SAFETENSORS}",
    "pytorch_model.bin",
    *(f"*{suffix}" for suffix in _TORCH),
)


class StateDict(NamedTuple):
    """The arrays of a state_dict.

    Attributes:
        arrays: the arrays by key.
        is_ordered: whether they have the order of the modules. Writers of safetensors sort them.
    """

    arrays: dict[str, np.ndarray]
    is_ordered: bool


def read_state_dict(source: Any) -> StateDict:
    """Returns the arrays of a state_dict.

    Args:
        source: a mapping of arrays or tensors, or the path of a file: `.safetensors`, or the index
            `.safetensors.index.json` of several such files; or `.pt`, `.pth` or `.bin`, which
            torch reads with `weights_only=True`.
    """
    if isinstance(source, Mapping):
        return StateDict({str(name): _to_array(value) for name, value in source.items()}, True)
    path = resolve_existing_path(local_weights(source, _PATTERNS))
    if path.suffix == _SAFETENSORS:
        return StateDict(read_safetensors(path), False)
    if path.name.endswith(_INDEX):
        return StateDict(_read_shards(path), False)
    if path.suffix not in _TORCH:
        raise ValueError(
            f"{str(path)!r}: expected a file with the suffix {_SAFETENSORS}, {_INDEX}, "
            f"{', '.join(_TORCH)}."
        )
    try:
        import torch
    except ImportError as error:
        raise missing_package("torch", "ecosystem", f"Reading {path.name!r}") from error
    with wrap_read_errors(repr(str(path)), wrap_value_errors=True):
        found = torch.load(path, map_location="cpu", weights_only=True)
        found = found.get("state_dict", found)
        arrays = {str(name): _to_array(value) for name, value in found.items()}
    return StateDict(arrays, True)


def read_safetensors(path: Path) -> dict[str, np.ndarray]:
    """Returns the arrays of a safetensors file."""
    with open_safetensors(path) as reader:
        return {name: reader.read(name) for name in reader.shapes}


def _read_shards(path: Path) -> dict[str, np.ndarray]:
    """Reads the files that an index names, which are in its folder."""
    with wrap_read_errors(repr(str(path))):
        index = read_json_file(path)
        files = index.get("weight_map") if isinstance(index, dict) else None
        if not isinstance(files, dict) or not all(isinstance(v, str) for v in files.values()):
            raise ValueError(f"{str(path)!r} has no table 'weight_map' of file names by key.")
    found: dict[str, np.ndarray] = {}
    for name in sorted(set(files.values())):
        if "/" in name or not name.endswith(_SAFETENSORS):
            raise ValueError(f"{str(path)!r} names {name!r}, which is not a file beside it.")
        file = resolve_member(path.parent, name, repr(str(path)))
        arrays = read_safetensors(resolve_existing_path(file))
        wanted = {key for key, of in files.items() if of == name}
        if wanted != set(arrays):
            key = min(wanted ^ set(arrays))
            raise ValueError(f"{str(path)!r} and {name!r} do not agree on {key!r}.")
        found |= arrays
    return found


def write_state_dict(arrays: Mapping[str, np.ndarray], path: str | os.PathLike[str]) -> None:
    """Writes a state_dict as `.safetensors`, or with torch as `.pt` or `.pth`."""
    path = Path(path)
    if path.suffix == _SAFETENSORS:
        with atomic_write(path) as temporary:
            # What `transformers` expects of files for torch.
            write_tensors(temporary, arrays, {"format": "pt"})
        return
    if path.suffix not in _TORCH:
        raise ValueError(
            f"{str(path)!r}: a state_dict is written to a file with the suffix {_SAFETENSORS}, or "
            f"{', '.join(_TORCH)}."
        )
    try:
        import torch
    except ImportError as error:
        raise missing_package("torch", "ecosystem", f"Writing {path.name!r}") from error
    with atomic_write(path) as temporary:
        torch.save({k: torch.from_numpy(np.array(x)) for k, x in arrays.items()}, temporary)


def _to_array(value: Any) -> np.ndarray:
    if type(value).__module__.partition(".")[0] != "torch":
        return np.asarray(value)
    value = value.detach().cpu()
    if str(value.dtype) == "torch.bfloat16":  # NumPy has no such dtype of its own
        return np.asarray(value.float().numpy().astype(ml_dtypes.bfloat16))
    return np.asarray(value.numpy())
