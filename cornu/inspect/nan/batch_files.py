"""Batches kept in files: one .npz each, whose names say where every array stood."""

from __future__ import annotations

import pathlib
from typing import Any

import numpy as np

from cornu import tree

__all__ = ["load_batch", "save_batch"]


def save_batch(batch: Any, file: pathlib.Path) -> pathlib.Path:
    """Writes a batch `(x, y, sample_weight)` as an .npz; names say where each array stood."""
    parts: dict[str, np.ndarray] = {}
    for structure, what in zip(batch, ("x", "y", "sample_weight"), strict=True):
        for path, leaf in tree.flatten_with_path(structure) if structure is not None else ():
            if leaf is not None:
                parts["/".join([what, *map(repr, path)])] = np.asarray(leaf)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        np.savez(stream, **parts)  # type: ignore[arg-type]
    return file


def load_batch(file: Any) -> tuple[Any, Any, Any]:
    """Reads a batch that `fit(debug_nans=True)` saved, as `(x, y, sample_weight)`.

    Lists and tuples come back as lists.
    """
    batch: dict[str, Any] = {}
    with np.load(file, allow_pickle=False) as stored:
        for name in stored.files:
            what, *path = name.split("/")
            batch[what] = _put(batch.get(what), [_key(part) for part in path], stored[name])
    return batch.get("x"), batch.get("y"), batch.get("sample_weight")


def _key(part: str) -> Any:
    return int(part) if part.lstrip("-").isdigit() else part[1:-1]


def _put(around: Any, path: list[Any], array: np.ndarray) -> Any:
    if not path:
        return array
    first, *rest = path
    if isinstance(first, int):
        around = around or []
        around += [None] * (first + 1 - len(around))
        around[first] = _put(around[first], rest, array)
        return around
    around = around or {}
    around[first] = _put(around.get(first), rest, array)
    return around
