"""What a file or text of an old version says about the layers that were created from it.

A layer that was loaded has no call of an old class. Its config in the file has the same arguments.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py

from cornu.core.layer.layer import Layer
from cornu.layers import Lambda
from cornu.legacy.keras1.calls import record_call
from cornu.legacy.keras1.class_mapping import ClassMapping
from cornu.models import Model
from cornu.types import Config

__all__ = ["record_entries", "record_file", "record_text"]

Rows = Mapping[str, ClassMapping]


def record_file(model: Any, path: Any, rows: Rows) -> None:
    """Records the layers of a model that was loaded, if the file is one of the version.

    Args:
        model: the model.
        path: the file.
        rows: the rows of the layers of the version.
    """
    if not h5py.is_hdf5(path):
        return
    with h5py.File(path, "r") as file:
        text = file.attrs.get("model_config", "{}")
        record_text(model, text.decode() if isinstance(text, bytes) else text, rows)


def record_text(model: Any, text: str, rows: Rows) -> None:
    """Records the layers of a model that was created from JSON, if it is one of the version.

    Args:
        model: the model.
        text: the JSON.
        rows: the rows of the layers of the version.
    """
    config = json.loads(text)
    if isinstance(config, dict) and "module" not in config and "config" in config:
        record_entries(model.layers, config["config"], rows)


def record_entries(layers: Sequence[Any], config: Any, rows: Rows) -> None:
    """Records the layers of a model that was created from a config of the version.

    Args:
        layers: the layers.
        config: the config of the model.
        rows: the rows of the layers of the version.
    """
    by_name = {layer.name: layer for layer in layers}
    for entry in config["layers"] if isinstance(config, dict) else config:
        inner = entry.get("config")
        name = inner.get("name") if isinstance(inner, dict) else None
        layer = by_name.get(entry.get("name", name))
        if _is_model(inner):
            record_entries(_layers_within(layer, layers), inner, rows)
        if isinstance(inner, dict) and layer is not None:
            _record_entry(layer, entry["class_name"], inner, rows)


def _layers_within(model: Any, layers: Sequence[Any]) -> Sequence[Any]:
    """Returns the layers of a model; those of all models if its name is not in the file.

    Layers of models that a Merge combines are those of the graph.
    """
    if isinstance(model, Model):
        return model.layers
    return [*layers, *(inner for one in layers if isinstance(one, Model) for inner in one.layers)]


def _is_model(config: Any) -> bool:
    return isinstance(config, list) or isinstance(config, dict) and "layers" in config


def _record_entry(layer: Any, class_name: str, config: Config, rows: Rows) -> None:
    row = rows.get(class_name)
    if row is None:
        return
    arguments: Config = {}
    for name, parameter in row.parameters.items():
        if parameter.default is parameter.empty and name not in config:
            return  # a layer of another version
        arguments[name] = config.get(name, parameter.default)
    inner = layer._constructor_arguments_()
    for name, value in arguments.items():
        if isinstance(value, dict) and isinstance(inner.get(name), Layer):
            _record_entry(inner[name], value["class_name"], value["config"], rows)
            arguments[name] = inner[name]
    if isinstance(layer, Lambda):
        arguments["mode" if class_name == "Merge" else "function"] = layer.function
    record_call(layer, row, arguments)
