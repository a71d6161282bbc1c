"""Folders of checkpoints that Orbax writes and reads; all that is known of Orbax is here.

A folder has a subfolder for each step, named by its number: `arrays`, the weights by their places
(and `optimizer/...`), and, unless only weights were kept, `config`, the model as data.
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
from cornu.saving import validation

__all__ = ["OrbaxCheckpoints", "open_checkpoint"]

_ARRAYS, _CONFIG = "arrays", "config"


class OrbaxCheckpoints:
    """Checkpoints in a folder, by step.

    Args:
        folder: where; made if it is not there.
        keep: how many of the last ones are kept; None for all.
        background: whether they are written in a thread, while training goes on.

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
        """The steps that there are, in order."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, variables: Mapping[str, Variable], config: str | None) -> None:
        """Writes Variables by their places, and a model's description; waits for the one before.

        An error of a checkpoint that is written in the background comes with the next one, or
        from `wait` or `close`.
        """
        # Copies: training goes on meanwhile, and gives its buffers away.
        arrays = {place: jnp.array(variable.value) for place, variable in variables.items()}
        items = {_ARRAYS: self._orbax.args.PyTreeSave(_unflatten(arrays))}
        if config is not None:
            items[_CONFIG] = self._orbax.args.JsonSave({_CONFIG: config})
        self._manager.save(step, args=self._orbax.args.Composite(**items), force=True)

    def wait(self) -> None:
        """Waits until everything is written."""
        self._manager.wait_until_finished()

    def close(self) -> None:
        """Waits, and gives back what it holds."""
        self._manager.close()


class OrbaxCheckpointReader:
    """One checkpoint that was looked through.

    Attributes:
        shapes: the shape of each array, by its place.
        nbytes: what they take.
        config: the model as JSON; None if there are only weights.
    """

    def __init__(self, manager: Any, step: int, path: Path) -> None:
        self._manager, self._step, self._path = manager, step, path
        with validation.wrap_read_errors(repr(str(path)), foreign=True):
            self._metadata = manager.item_metadata(step)[_ARRAYS].tree
        described = _flatten(self._metadata)
        self.shapes = {place: tuple(one.shape) for place, one in described.items()}
        self.nbytes = sum(
            math.prod(one.shape) * np.dtype(one.dtype).itemsize for one in described.values()
        )
        files = (file for file in path.rglob("*") if file.is_file())
        validation.check_decompressed_size(
            sum(file.stat().st_size for file in files), self.nbytes, repr(path)
        )
        self._arrays: dict[str, np.ndarray] | None = None
        self.config = self._read_config() if (path / _CONFIG).is_dir() else None

    def _read_config(self) -> str:
        return str(self._restore(_CONFIG, _orbax().args.JsonRestore())[_CONFIG])

    def read(self, place: str) -> np.ndarray:
        """Reads an array; the first time, all of them."""
        if self._arrays is None:
            orbax = _orbax()
            as_numpy = orbax.RestoreArgs(restore_type=np.ndarray)
            wanted = _map_leaves(self._metadata, lambda _: as_numpy)
            args = orbax.args.PyTreeRestore(restore_args=wanted)
            self._arrays = _flatten(self._restore(_ARRAYS, args))
        return self._arrays[place]

    def _restore(self, item: str, args: Any) -> Any:
        with validation.wrap_read_errors(repr(str(self._path)), foreign=True):
            composite = _orbax().args.Composite(**{item: args})
            return self._manager.restore(self._step, args=composite)[item]


@contextlib.contextmanager
def open_checkpoint(path: Path) -> Iterator[OrbaxCheckpointReader]:
    """Opens the last checkpoint of a folder, or the one that a path ends with.

    Raises:
        FileNotFoundError: there is none in the folder.
        ValueError: it is not what it seems.
    """
    number = path.name.isdecimal() and (path / _ARRAYS).is_dir()
    root = path.parent if number else path
    steps = [int(p.name) for p in root.iterdir() if p.name.isdecimal() and (p / _ARRAYS).is_dir()]
    if not steps:
        raise FileNotFoundError(
            f"{str(path)!r} is a folder without a checkpoint that OrbaxCheckpoint wrote."
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
            "Checkpoints of Orbax need it: pip install 'cornu[ecosystem]'."
        ) from error
    return orbax.checkpoint


def _handlers(orbax: Any) -> dict[str, Any]:
    return {_ARRAYS: orbax.PyTreeCheckpointHandler(), _CONFIG: orbax.JsonCheckpointHandler()}


def _unflatten(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arrays by place as dicts in dicts: a name in Orbax has no slashes."""
    root: dict[str, Any] = {}
    for place, array in arrays.items():
        *around, name = place.split("/")
        inner = root
        for part in around:
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
