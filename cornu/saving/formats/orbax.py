"""Checkpoint directories of Orbax.

A directory has a subdirectory for each step, which contains `arrays`, the weights by storage key
(those of the optimizer under `optimizer/`), and, unless only weights were saved, `config`, the JSON
description of the model.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu.core.state.variable import Variable
from cornu.saving import budget, validation

__all__ = ["OrbaxCheckpoints", "open_checkpoint"]

_ARRAYS, _CONFIG = "arrays", "config"


class OrbaxCheckpoints:
    """The checkpoints in a directory, by step.

    Args:
        folder: the directory, which is created if necessary.
        keep: the number of latest checkpoints to keep; None keeps all.
        background: whether checkpoints are written in a background thread.

    Raises:
        ImportError: Orbax is not installed.
    """

    def __init__(
        self, folder: str | os.PathLike[str], keep: int | None = None, background: bool = True
    ) -> None:
        self._orbax = _orbax()
        options = self._orbax.CheckpointManagerOptions(
            max_to_keep=keep, enable_async_checkpointing=background
        )
        self._manager = self._orbax.CheckpointManager(
            Path(folder).absolute(), options=options, item_handlers=_handlers(self._orbax)
        )

    @property
    def steps(self) -> list[int]:
        """The steps with a checkpoint, in ascending order."""
        return sorted(self._manager.all_steps())

    def save(
        self, step: int, values: Mapping[str, Variable | np.ndarray], config: str | None
    ) -> None:
        """Writes arrays by storage key and the config of the model; waits for the last save.

        If writing in the background fails, the next call of `save`, `wait` or `close` raises the
        error.
        """
        # Copies, because the next training step donates the buffers.
        arrays = {
            key: jnp.array(value.value if isinstance(value, Variable) else value)
            for key, value in values.items()
        }
        items = {_ARRAYS: self._orbax.args.PyTreeSave(_unflatten(arrays))}
        if config is not None:
            items[_CONFIG] = self._orbax.args.JsonSave({_CONFIG: config})
        self._manager.save(step, args=self._orbax.args.Composite(**items), force=True)

    def wait(self) -> None:
        """Waits until all checkpoints are written."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits until all checkpoints are written, and releases resources."""
        self._manager.close()


class OrbaxCheckpointReader:
    """One checkpoint, whose metadata has been validated.

    Attributes:
        shapes: the shape of each array by its key.
        nbytes: the size of all arrays together.
        config: the JSON description of the model; None if there are only weights.
    """

    def __init__(self, manager: Any, step: int, path: Path) -> None:
        self._manager, self._step, self._path = manager, step, path
        with validation.wrap_read_errors(repr(str(path)), wrap_value_errors=True):
            self._metadata = manager.item_metadata(step)[_ARRAYS].tree
        described = _flatten(self._metadata)
        self.shapes = {key: tuple(leaf.shape) for key, leaf in described.items()}
        self.nbytes = sum(
            math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize for leaf in described.values()
        )
        stored = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        budget.check("bytes after decompression", self.nbytes, stored, repr(str(path)))
        self._arrays: dict[str, np.ndarray] | None = None
        self.config = self._read_config() if (path / _CONFIG).is_dir() else None

    def _read_config(self) -> str:
        return str(self._restore(_CONFIG, _orbax().args.JsonRestore())[_CONFIG])

    def read(self, key: str) -> np.ndarray:
        """Reads an array; the first call reads all arrays."""
        if self._arrays is None:
            orbax = _orbax()
            as_numpy = orbax.RestoreArgs(restore_type=np.ndarray)
            wanted = _map_leaves(self._metadata, lambda _: as_numpy)
            args = orbax.args.PyTreeRestore(restore_args=wanted)
            self._arrays = _flatten(self._restore(_ARRAYS, args))
        return self._arrays[key]

    def _restore(self, item: str, args: Any) -> Any:
        with validation.wrap_read_errors(repr(str(self._path)), wrap_value_errors=True):
            composite = _orbax().args.Composite(**{item: args})
            return self._manager.restore(self._step, args=composite)[item]


@contextlib.contextmanager
def open_checkpoint(path: Path) -> Iterator[OrbaxCheckpointReader]:
    """Opens the latest checkpoint of a directory, or the checkpoint of the step in the path.

    Raises:
        FileNotFoundError: the directory contains no checkpoint.
        ValueError: the checkpoint is damaged.
    """
    number = path.name.isdecimal() and (path / _ARRAYS).is_dir()
    root = path.parent if number else path
    steps = [int(p.name) for p in root.iterdir() if p.name.isdecimal() and (p / _ARRAYS).is_dir()]
    if not steps:
        raise FileNotFoundError(
            f"Directory {str(path)!r} contains no checkpoint of OrbaxCheckpoint."
        )
    step = int(path.name) if number else max(steps)
    orbax = _orbax()
    with validation.wrap_read_errors(repr(str(path))):
        manager = orbax.CheckpointManager(
            root.absolute(),
            options=orbax.CheckpointManagerOptions(create=False),
            item_handlers=_handlers(orbax),
        )
        try:
            yield OrbaxCheckpointReader(manager, step, root / str(step))
        finally:
            manager.close()


def _orbax() -> Any:
    try:
        import orbax.checkpoint
    except ImportError as error:
        raise ImportError(
            "Orbax checkpoints require orbax-checkpoint: pip install 'cornu[ecosystem]'."
        ) from error
    return orbax.checkpoint


def _handlers(orbax: Any) -> dict[str, Any]:
    return {_ARRAYS: orbax.PyTreeCheckpointHandler(), _CONFIG: orbax.JsonCheckpointHandler()}


def _unflatten(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Converts keys with slashes to nested dicts, because names in Orbax have no slashes."""
    root: dict[str, Any] = {}
    for key, array in arrays.items():
        *parents, name = key.split("/")
        inner = root
        for part in parents:
            inner = inner.setdefault(part, {})
        inner[name] = array
    return root


def _flatten(tree: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(tree, Mapping):
        return {at: tree}
    found: dict[str, Any] = {}
    for name, inner in tree.items():
        found |= _flatten(inner, f"{at}/{name}" if at else str(name))
    return found


def _map_leaves(tree: Any, make: Any) -> Any:
    if isinstance(tree, Mapping):
        return {name: _map_leaves(inner, make) for name, inner in tree.items()}
    return make(tree)
