"""Models in files and texts as Keras 1.2.2 writes them."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.dialects.keras1 import factories
from cornu.dialects.keras1.configs import UnknownLayer, describe_model, record_entries
from cornu.dialects.keras1.merge import Branches
from cornu.dialects.layer_methods import LayerMethods, layout_of
from cornu.legacy.arrays import in_old_order, name_arrays, restore_arrays
from cornu.legacy.keras1.calls import find_call
from cornu.legacy.keras1.objectives import function_name
from cornu.legacy.optimizer_state import StoredLayer, restore_state
from cornu.losses import Loss
from cornu.metrics import Metric
from cornu.models import save_model
from cornu.saving.atomic_write import atomic_write
from cornu.saving.formats.legacy_hdf5 import write_legacy_model
from cornu.types import Config

__all__ = [
    "describe_functions",
    "record_file",
    "record_text",
    "stored_layers",
    "to_json",
    "weight_layers",
    "write_model",
    "write_weights",
]

_VERSION = {"keras_version": "1.2.2", "backend": "tensorflow"}


def weight_layers(model: Any) -> list[Any]:
    """Returns the layers of a model whose arrays follow one another in lists of weights."""
    found = []
    for layer in model.layers:
        if isinstance(layer, Branches):
            found += [inner for branch in layer.branches for inner in weight_layers(branch)]
        else:
            found.append(layer)
    return found


def stored_layers(model: Any) -> list[StoredLayer]:
    """Returns the layers of a model with their arrays by the names of Keras 1, as files have them.

    Args:
        model: the model, which is built.
    """
    found = []
    for layer in weight_layers(model):
        layout, call = layout_of(layer), find_call(layer)
        arrays = restore_arrays(layer, [v.numpy() for v in in_old_order(layer)], layout)
        # It was one layer, of which the inner layer has the weights today.
        is_one = call is not None and call.mapping.old_name == "TimeDistributedDense"
        names = name_arrays(layer, layout, layer.name if is_one else None)
        found.append(StoredLayer(layer, arrays, names))
    return found


def write_weights(model: Any, path: Path) -> None:
    """Writes the weights of a model to an HDF5 file, which is replaced."""
    _write(path, dict(_VERSION), stored_layers(model), {})


def write_model(model: Any, path: Path) -> None:
    """Writes a model to an HDF5 file, which is replaced.

    A model with a layer or an operation that Keras 1 does not have is written as cornu writes it.
    """
    try:
        described = describe_model(model)
    except UnknownLayer as error:
        warnings.warn(
            f"Keras 1 cannot read {str(path)!r}, because it has no {error}. cornu can.",
            stacklevel=user_stacklevel(),
        )
        save_model(model, path, True)
        return
    attributes = {**_VERSION, "model_config": _to_text(described)}
    layers = stored_layers(model)
    optimizer = model.optimizer
    state: dict[str, np.ndarray] | None = {}
    if optimizer is not None and model._compiled_as_ is not None:
        config = _describe_optimizer(optimizer)
        attributes["training_config"] = _to_text(
            {"optimizer_config": config, **model._compiled_as_.arguments}
        )
        if optimizer.built:
            state = restore_state(optimizer, layers, LayerMethods.layout)
    _write(path, attributes, layers, state or {})


def _write(
    path: Path, attributes: dict[str, str], layers: list[StoredLayer], state: dict[str, np.ndarray]
) -> None:
    named = [(one.layer.name, dict(zip(one.names, one.arrays, strict=True))) for one in layers]
    with atomic_write(path) as temporary:
        write_legacy_model(temporary, attributes, named, {}, state)


def to_json(model: Any, **kwargs: Any) -> str:
    """Returns the layers and their connections as JSON.

    Args:
        model: the model.
        **kwargs: arguments of `json.dumps`.
    """
    config = {**describe_model(model), "keras_version": _VERSION["keras_version"]}
    return json.dumps(config, default=_plain, **kwargs)


def _to_text(config: Config) -> str:
    return json.dumps(config, default=_plain)


def _plain(value: Any) -> Any:
    """Returns numbers and arrays of NumPy as plain data."""
    return np.asarray(value).tolist()


def _describe_optimizer(optimizer: Any) -> Config:
    """Returns the class and the config of an optimizer, with the arguments of Keras 1."""
    kind, config = type(optimizer).__name__, optimizer.get_config()
    row = factories.OPTIMIZER_ROWS.get(kind)
    if row is not None:
        unset = [name for name in row.parameters if config[name] is None]
        config = {name: config[name] for name in row.parameters if name not in unset}
    return {"class_name": kind, "config": config}


def describe_functions(value: Any) -> Any:
    """Returns losses or metrics by their names, in any structure."""
    if isinstance(value, dict):
        return {name: describe_functions(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [describe_functions(one) for one in value]
    if value is None or isinstance(value, str):
        return value
    return value.name if isinstance(value, (Loss, Metric)) else function_name(value)


def record_file(model: Any, path: Any) -> None:
    """Records the layers of a model that was loaded, if Keras 1 wrote the file."""
    if not h5py.is_hdf5(path):
        return
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config", "{}")
        record_text(model, text.decode() if isinstance(text, bytes) else text)


def record_text(model: Any, text: str) -> None:
    """Records the layers of a model that was created from JSON, if it is that of Keras 1."""
    config = json.loads(text)
    if isinstance(config, dict) and "module" not in config and "config" in config:
        record_entries(model.layers, config["config"])
