"""Files of weights in the layout of Keras 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cornu import saving
from cornu.legacy.arrays import in_old_order
from cornu.legacy.source import Source
from cornu.names import make_unique
from cornu.saving.atomic_write import atomic_write, may_write
from cornu.saving.formats.legacy_hdf5 import write_legacy_model
from cornu.saving.stored_state import to_arrays

__all__ = ["load_weights", "save_weights"]


def save_weights(model: Any, path: Path, overwrite: bool, source: Source) -> None:
    """Writes the weights of a model.

    Args:
        model: the model.
        path: the file.
        overwrite: whether an existing file is replaced; if not, the user is asked.
        source: the version that the file names.
    """
    if not may_write(path, overwrite):
        return
    layers = [(layer.name, in_old_order(layer)) for layer in model.layers]
    keyed = {
        f"{name}/{number}": variable
        for name, variables in layers
        for number, variable in enumerate(variables)
    }
    arrays = to_arrays(keyed)
    stored = []
    for name, variables in layers:
        taken: dict[str, int] = {}
        named = {
            make_unique(f"{variable.path}:0", taken): arrays[f"{name}/{number}"]
            for number, variable in enumerate(variables)
        }
        stored.append((name, named))
    version = ".".join(map(str, source.version)) + ("-tf" if source.is_tensorflow else "")
    attributes = {"keras_version": version, "backend": "tensorflow"}
    with atomic_write(path) as temporary:
        write_legacy_model(temporary, attributes, stored, {}, {})


def load_weights(model: Any, path: Any, by_name: bool, skip_mismatch: bool) -> None:
    """Loads the weights of a model from a file of any version.

    Args:
        model: the model.
        path: the file.
        by_name: whether layers are matched by their names rather than in order.
        skip_mismatch: whether layers whose arrays have other shapes are skipped.
    """
    saving.load_weights(model, path, skip_mismatch, by_name=by_name or None)
