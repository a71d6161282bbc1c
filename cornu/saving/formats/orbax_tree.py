"""Trees of arrays that Orbax wrote in programs of JAX, whatever their structure.

A checkpoint is a directory with the file `_METADATA`, which describes the tree. A
`CheckpointManager` writes a directory for each step, with one for each item, such as `default`.
"""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cornu.saving import budget, validation
from cornu.saving.formats.orbax import import_orbax, measure_files

__all__ = ["read_orbax_tree"]

_METADATA = "_METADATA"
# Steps of a CheckpointManager may have a prefix, such as `checkpoint_5`.
_STEP = re.compile(r"(?:.*\D)?(\d+)$")


def read_orbax_tree(path: Path) -> Any:
    """Returns the tree of a checkpoint; of a directory of steps, that of the latest one.

    Args:
        path: the directory.

    Raises:
        FileNotFoundError: there is no checkpoint.
        ValueError: it is damaged, or contains symbolic links.
        ImportError: Orbax is not installed.
    """
    items = _find_items(path)
    if not items and path.is_dir():
        steps = [(int(found[1]), p) for p in path.iterdir() if (found := _STEP.match(p.name))]
        for _, step in sorted(steps, reverse=True):
            if items := _find_items(step):
                break
    if not items:
        raise FileNotFoundError(
            f"{str(path)!r} contains no checkpoint of Orbax: neither it nor the directory of a "
            f"step has the file {_METADATA!r}."
        )
    trees = {item.name: _read(item) for item in items}
    return trees if len(items) > 1 else next(iter(trees.values()))


def _find_items(path: Path) -> list[Path]:
    """Returns the directories of the trees of one step."""
    if (path / _METADATA).is_file():
        return [path]
    if not path.is_dir():
        return []
    return [p for p in sorted(path.iterdir()) if (p / _METADATA).is_file()]


def _read(path: Path) -> Any:
    name = repr(str(path))
    orbax = import_orbax()
    stored = measure_files(path, name)
    handler = orbax.PyTreeCheckpointHandler()
    with validation.wrap_read_errors(name, wrap_value_errors=True):
        validation.read_json_file(path / _METADATA)
        with orbax.Checkpointer(handler) as checkpointer:
            described = checkpointer.metadata(path.absolute()).item_metadata.tree
            leaves = jax.tree_util.tree_leaves(described)
            total = sum(map(_size, leaves))
            budget.check("bytes after decompression", total, stored, name)
            wanted = jax.tree_util.tree_map(lambda leaf: _restore_args(orbax, leaf), described)
            return checkpointer.restore(path.absolute(), restore_args=wanted)


def _restore_args(orbax: Any, leaf: Any) -> Any:
    is_array = bool(getattr(leaf, "shape", ())) or hasattr(leaf, "storage")
    return orbax.RestoreArgs(restore_type=np.ndarray) if is_array else orbax.RestoreArgs()


def _size(leaf: Any) -> int:
    shape, dtype = getattr(leaf, "shape", None), getattr(leaf, "dtype", None)
    return 0 if shape is None or dtype is None else math.prod(shape) * np.dtype(dtype).itemsize
