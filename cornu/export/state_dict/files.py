"""Reads and writes the arrays of state_dicts, with torch or without it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np

from cornu.errors import missing_package
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.safetensors import open_safetensors, write_tensors
from cornu.saving.validation import resolve_existing_path, wrap_read_errors

__all__ = ["read_state_dict", "write_state_dict"]

_SAFETENSORS = ".safetensors"
_TORCH = (".pt", ".pth", ".bin")


def read_state_dict(source: Any) -> dict[str, np.ndarray]:
    """Returns the arrays of a state_dict.

    Args:
        source: a mapping of arrays or tensors, or the path of a file: `.safetensors`, or `.pt`,
            `.pth` or `.bin`, which torch reads with `weights_only=True`.
    """
    if isinstance(source, Mapping):
        return {str(name): _to_array(value) for name, value in source.items()}
    path = resolve_existing_path(source)
    if path.suffix == _SAFETENSORS:
        with open_safetensors(path) as reader:
            return {name: reader.read(name) for name in reader.shapes}
    if path.suffix not in _TORCH:
        raise ValueError(
            f"{str(path)!r}: expected a file with the suffix {_SAFETENSORS}, {', '.join(_TORCH)}."
        )
    try:
        import torch
    except ImportError as error:
        raise missing_package("torch", "ecosystem", f"Reading {path.name!r}") from error
    with wrap_read_errors(repr(str(path)), wrap_value_errors=True):
        found = torch.load(path, map_location="cpu", weights_only=True)
    found = found.get("state_dict", found)
    return {name: _to_array(value) for name, value in found.items()}


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
