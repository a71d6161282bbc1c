"""Batches in .npz files, whose entries are named by their path in the batch."""

from __future__ import annotations

import pathlib
from os import PathLike
from typing import Any

import numpy as np

from cornu import tree
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.types import PyTree

__all__ = ["load_batch", "save_batch"]


def save_batch(batch: PyTree, file: pathlib.Path) -> pathlib.Path:
    """Writes a batch `(x, y, sample_weight)` as an .npz file; returns its path."""
    parts: dict[str, np.ndarray] = {}
    for structure, part in zip(batch, ("x", "y", "sample_weight"), strict=True):
        for path, leaf in tree.flatten_with_path(structure) if structure is not None else ():
            if leaf is not None:
                # `repr` distinguishes the index 0 of a list from the key "0" of a dict.
                parts["/".join([part, *map(repr, path)])] = np.asarray(leaf)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as stream:
        np.savez(stream, **parts)  # type: ignore[arg-type]
    return file


@api_boundary
def load_batch(file: str | PathLike[str]) -> tuple[Any, Any, Any]:
    """Reads a batch that `fit(debug_nans=True)` saved, as `(x, y, sample_weight)`.

    Lists and tuples are returned as lists.

    Args:
        file: the path of the file, which the report of `fit` contains.

    Example:

    >>> import tempfile
    >>> import numpy as np
    >>> import cornu
    >>> file = tempfile.mkdtemp() + "/batch.npz"
    >>> np.savez(file, x=np.ones(2), y=np.zeros(2))
    >>> x, y, sample_weight = cornu.debug.load_batch(file)
    >>> x.tolist(), y.tolist(), sample_weight
    ([1.0, 1.0], [0.0, 0.0], None)
    """
    batch: dict[str, Any] = {}
    with np.load(file, allow_pickle=False) as stored:
        for name in stored.files:
            part, *path = name.split("/")
            batch[part] = _insert(batch.get(part), [_parse_key(key) for key in path], stored[name])
    return batch.get("x"), batch.get("y"), batch.get("sample_weight")


def _parse_key(key: str) -> Any:
    return int(key) if key.lstrip("-").isdigit() else key[1:-1]


def _insert(around: Any, path: list[Any], array: np.ndarray) -> Any:
    if not path:
        return array
    first, *rest = path
    if isinstance(first, int):
        around = around or []
        around += [None] * (first + 1 - len(around))
        around[first] = _insert(around[first], rest, array)
        return around
    around = around or {}
    around[first] = _insert(around.get(first), rest, array)
    return around
