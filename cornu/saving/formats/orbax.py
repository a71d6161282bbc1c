"""Checkpoint directories of Orbax.

A directory has a subdirectory for each step. Those of cornu contain `arrays`, the weights by
storage key (those of the optimizer under `optimizer/`), and, unless only weights were saved,
`config`, the JSON description of the model. Those of Keras contain `pytree`, the state tree of the
model, whose names are the paths of Variables, and `model_config` and `assets`.
"""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu.core.state.variable import Variable
from cornu.saving import budget, validation
from cornu.saving.formats.array_reader import Placed

__all__ = [
    "OrbaxCheckpointReader",
    "OrbaxCheckpoints",
    "import_orbax",
    "measure_files",
    "open_checkpoint",
]

_ARRAYS, _CONFIG, _ASSETS = "arrays", "config", "assets"


class _Layout(NamedTuple):
    """The items of a checkpoint: the weights and the JSON description of the model."""

    arrays: str
    config: str


_OWN = _Layout(_ARRAYS, _CONFIG)
_KERAS = _Layout("pytree", "model_config")
_LAYOUTS = (_OWN, _KERAS)
_METADATA, _STRINGS = "_METADATA", "_strings.json"
# Bytes. A process reads whole chunks, also of an array that fewer processes have written.
_CHUNK = 2**22


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
        self._orbax = import_orbax()
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
        chunked = self._orbax.SaveArgs(chunk_byte_size=_CHUNK)
        items = {
            _ARRAYS: self._orbax.args.PyTreeSave(
                _unflatten(arrays), save_args=_unflatten(dict.fromkeys(arrays, chunked))
            )
        }
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
        is_state_tree: whether keys are those of `Model.get_state_tree`, as in folders of Keras.
    """

    def __init__(self, manager: Any, step: int, path: Path, layout: _Layout) -> None:
        self._name = repr(str(path))
        stored = measure_files(path, self._name)
        self._arrays = _Item(manager, step, path / layout.arrays, self._name)
        self._assets: _Item | None = None
        self.is_state_tree = layout is _KERAS
        if self.is_state_tree and (path / _ASSETS).is_dir():
            self._assets = _Item(manager, step, path / _ASSETS, self._name)
        self.shapes, self.nbytes = self._arrays.shapes, self._arrays.nbytes
        total = self.nbytes + (self._assets.nbytes if self._assets else 0)
        budget.check("bytes after decompression", total, stored, self._name)
        self.config: str | None = None
        if (path / layout.config).is_dir():
            self.config = _read_config(manager, step, path / layout.config, self._name)

    def read(self, key: str, /) -> np.ndarray:
        """Reads an array; the first call reads all arrays that have not been read."""
        return self._arrays.read(key)

    def read_placed(self, wanted: Mapping[str, Placed], /) -> dict[str, jax.Array]:
        """Reads arrays onto devices; each process reads the parts of its own devices only."""
        return self._arrays.read_placed(wanted)

    def extract_assets(self, folder: str, target: Path) -> bool:
        """Writes the files of one folder of the assets into a directory.

        Args:
            folder: the path of the folder within the assets.
            target: an existing directory.

        Returns:
            Whether the checkpoint has such files.

        Raises:
            ValueError: the name of a file leads out of the directory.
        """
        if self._assets is None:
            return False
        prefix = f"{folder}/" if folder else ""
        names = [name for name in self._assets.shapes if name.startswith(prefix)]
        for name in names:
            path = validation.resolve_member(target, name.removeprefix(prefix), self._name)
            content = self._assets.read(name)
            if content.dtype != np.uint8 or content.ndim != 1:
                raise ValueError(
                    f"{self._name}: the asset {name!r} must consist of bytes. Received: an array "
                    f"of dtype {content.dtype} and shape {content.shape}"
                )
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.tobytes())
        return bool(names)


def measure_files(path: Path, name: str) -> int:
    """Returns the size of all files of a checkpoint; raises if one is a symbolic link."""
    files = list(path.rglob("*"))
    linked = next((file for file in (path, *files) if file.is_symlink()), None)
    if linked is not None:
        raise ValueError(
            f"{name} contains the symbolic link {str(linked)!r}, which is not followed.\n"
            "Copy the folder with the files themselves."
        )
    return sum(file.stat().st_size for file in files if file.is_file())


class _Item:
    """The arrays of one item of a checkpoint.

    Attributes:
        shapes: the shape of each array by its key, from the headers of the arrays themselves.
        nbytes: the size of all arrays together.
    """

    def __init__(self, manager: Any, step: int, path: Path, name: str) -> None:
        self._manager, self._step, self._item, self._name = manager, step, path.name, name
        with validation.wrap_read_errors(name, wrap_value_errors=True):
            validation.read_json_file(path / _METADATA)
            self._metadata = manager.item_metadata(step)[self._item].tree
            described = _flatten(self._metadata)
            self.shapes = {key: tuple(leaf.shape) for key, leaf in described.items()}
            self.nbytes = sum(
                math.prod(leaf.shape) * np.dtype(leaf.dtype).itemsize for leaf in described.values()
            )
        self._dtypes = {key: np.dtype(leaf.dtype) for key, leaf in described.items()}
        self._unread = dict(self.shapes)
        self._arrays: dict[str, np.ndarray] = {}

    def read(self, key: str) -> np.ndarray:
        """Reads an array; the first call reads all arrays that have not been read."""
        if key not in self._arrays:
            # Orbax reads many arrays at once faster than one after the other.
            keys = self._unread if key in self._unread else [key]
            as_numpy = import_orbax().RestoreArgs(restore_type=np.ndarray)
            self._arrays |= self._restore(dict.fromkeys(keys, as_numpy))
        return self._arrays[key]

    def read_placed(self, wanted: Mapping[str, Placed]) -> dict[str, jax.Array]:
        """Reads those of the arrays onto devices that are stored in the wanted dtype."""
        make = import_orbax().ArrayRestoreArgs
        return self._restore(
            {
                key: make(sharding=sharding, global_shape=self.shapes[key])
                for key, (sharding, dtype) in wanted.items()
                if self._dtypes[key] == dtype
            }
        )

    def _restore(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Reads arrays, given what Orbax is to make of each."""
        if not wanted:
            return {}
        tree = _unflatten(wanted)
        args = import_orbax().args.PyTreeRestore(
            item=_unflatten({key: 0 for key in wanted}), restore_args=tree, partial_restore=True
        )
        with validation.wrap_read_errors(self._name, wrap_value_errors=True):
            found = _flatten(_restore(self._manager, self._step, self._item, args))
        for key in wanted:
            self._unread.pop(key, None)
        return found


def _read_config(manager: Any, step: int, path: Path, name: str) -> str:
    with validation.wrap_read_errors(name, wrap_value_errors=True):
        if path.name == _KERAS.config:
            # Orbax stores the texts of a tree as JSON.
            content = validation.read_json_file(path / _STRINGS)
        else:
            content = _restore(manager, step, path.name, import_orbax().args.JsonRestore())
        return str(content[_CONFIG])


def _restore(manager: Any, step: int, item: str, args: Any) -> Any:
    return manager.restore(step, args=import_orbax().args.Composite(**{item: args}))[item]


@contextlib.contextmanager
def open_checkpoint(path: Path) -> Iterator[OrbaxCheckpointReader]:
    """Opens the latest checkpoint of a directory, or the checkpoint of the step in the path.

    Raises:
        FileNotFoundError: the directory contains no checkpoint.
        ValueError: the checkpoint is damaged.
    """
    layout = _find_layout(path)
    root = path if layout is None else path.parent
    if layout is None:
        layouts = {int(p.name): found for p in root.iterdir() if (found := _find_layout(p))}
        if not layouts:
            raise FileNotFoundError(
                f"Directory {str(path)!r} contains no checkpoint of OrbaxCheckpoint."
            )
        step = max(layouts)
        layout = layouts[step]
    else:
        step = int(path.name)
    orbax = import_orbax()
    with validation.wrap_read_errors(repr(str(path))):
        manager = orbax.CheckpointManager(
            root.absolute(),
            options=orbax.CheckpointManagerOptions(create=False),
            item_handlers=_handlers(orbax) if layout is _OWN else _keras_handlers(orbax),
        )
        try:
            yield OrbaxCheckpointReader(manager, step, root / str(step), layout)
        finally:
            manager.close()


def _find_layout(path: Path) -> _Layout | None:
    """Returns what a directory contains, or None if it is not a checkpoint of one step."""
    if not path.name.isdecimal():
        return None
    return next((layout for layout in _LAYOUTS if (path / layout.arrays).is_dir()), None)


def import_orbax() -> Any:
    """Returns the module `orbax.checkpoint`; raises an ImportError that says how to install it."""
    try:
        import orbax.checkpoint
    except ImportError as error:
        raise ImportError(
            "Orbax checkpoints require orbax-checkpoint: pip install 'cornu[ecosystem]'."
        ) from error
    return orbax.checkpoint


def _handlers(orbax: Any) -> dict[str, Any]:
    return {_ARRAYS: orbax.PyTreeCheckpointHandler(), _CONFIG: orbax.JsonCheckpointHandler()}


def _keras_handlers(orbax: Any) -> dict[str, Any]:
    return {item: orbax.PyTreeCheckpointHandler() for item in (*_KERAS, _ASSETS)}


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
