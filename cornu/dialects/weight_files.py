"""Files of weights in the layouts of Keras 1 and 2."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cornu import saving
from cornu.legacy.arrays import in_old_order
from cornu.legacy.source import Source
from cornu.names import make_unique
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.legacy_hdf5 import write_legacy_model
from cornu.saving.stored_state import to_arrays

__all__ = ["by_path", "load_weights", "save_weights"]


def save_weights(
    layers: Sequence[Any],
    path: Path,
    source: Source,
    convert: Callable[[Any, list[np.ndarray]], Mapping[str, np.ndarray]],
) -> None:
    """Writes the weights of layers.

    Args:
        layers: the layers in the order of the file.
        path: the file, which is replaced.
        source: the version that the file names.
        convert: returns the arrays by name that the file has for a layer and its weights.
    """
    keyed = {
        f"{number}/{i}": variable
        for number, layer in enumerate(layers)
        for i, variable in enumerate(in_old_order(layer))
    }
    arrays = to_arrays(keyed)  # all at once, so that they are those of one training step
    stored = [
        (
            layer.name,
            convert(layer, [arrays[f"{n}/{i}"] for i in range(len(in_old_order(layer)))]),
        )
        for n, layer in enumerate(layers)
    ]
    version = ".".join(map(str, source.version)) + ("-tf" if source.is_tensorflow else "")
    attributes = {"keras_version": version, "backend": "tensorflow"}
    with atomic_write(path) as temporary:
        write_legacy_model(temporary, attributes, stored, {}, {})


def by_path(layer: Any, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Returns the arrays of a layer by the names of Keras 2."""
    taken: dict[str, int] = {}
    variables = in_old_order(layer)
    return {
        make_unique(f"{variable.path}:0", taken): array
        for variable, array in zip(variables, arrays, strict=True)
    }


def load_weights(
    model: Any, path: Any, by_name: bool, skip_mismatch: bool = False, default: str | None = None
) -> None:
    """Loads the weights of a model from a file of any version.

    Args:
        model: the model.
        path: the file.
        by_name: whether layers are matched by their names rather than in order.
        skip_mismatch: whether layers whose arrays have other shapes are skipped.
        default: the version that wrote a file that names none, as those of Keras 1.
    """
    if default is not None and names_version(path):
        default = None
    saving.load_weights(model, path, skip_mismatch, by_name=by_name or None, keras_version=default)


def names_version(path: Any) -> bool:
    """Whether an HDF5 file of weights names the version that wrote it."""
    with h5py.File(path, "r") as file:
        groups = [file, file["model_weights"]] if "model_weights" in file else [file]
        return any("keras_version" in group.attrs for group in groups)
