"""Merge layers of Keras 1, and Sequentials that begin with one."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.legacy.keras1.config_values import describe_function
from cornu.legacy.layers.merging import Cosine
from cornu.types import Config

__all__ = ["convert_merge", "expand_merge"]

_ELEMENTWISE = {"sum": "Add", "mul": "Multiply", "max": "Maximum", "ave": "Average"}


def convert_merge(config: Config) -> Config:
    """Returns the entry of today for the config of a Merge.

    Args:
        config: the config, which has a mode, or a function with its kind.

    Raises:
        ValueError: Keras 1 has no such mode.
    """
    mode = config.get("mode", "sum")
    given: Config = {k: config[k] for k in ("name", "trainable") if k in config}
    if config.get("mode_type", "raw") != "raw":
        given["function"] = describe_function(config, "mode")
        if config.get("arguments"):
            given["arguments"] = config["arguments"]
        return _entry("Lambda", given)
    if mode in _ELEMENTWISE:
        return _entry(_ELEMENTWISE[mode], given)
    if mode == "concat":
        return _entry("Concatenate", {**given, "axis": config.get("concat_axis", -1)})
    if mode in ("dot", "cos"):
        kind = "Dot" if mode == "dot" else registry.get_registered_name(Cosine)
        return _entry(kind, {**given, "axes": config.get("dot_axes", -1)})
    raise ValueError(f"Merge {str(config.get('name'))!r}: Keras 1 has no mode {mode!r:.80}.")


def _entry(class_name: str, config: Config) -> Config:
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": config,
        "registered_name": None,
    }


def expand_merge(name: Any, layers: list[Config]) -> Config:
    """Returns the config of a graph for a Sequential that begins with a Merge of models.

    Keras 1 stores the weights of such a model as if the layers of all branches were its own.

    Args:
        name: the name of the model, or None.
        layers: the entries of its layers.

    Returns:
        The config of a Model of Keras 1.

    Raises:
        ValueError: a branch is not a model with a known input.
    """
    merge, *rest = layers
    nodes: list[Config] = []
    inputs: list[list[Any]] = []
    ends = [_add_branch(branch, nodes, inputs) for branch in merge["config"]["layers"]]
    kept = {k: v for k, v in merge["config"].items() if k != "layers"}
    end = _add({"class_name": "Merge", "config": kept}, ends, nodes)
    for layer in rest:
        end = _add(layer, [end], nodes)
    config = {"layers": nodes, "input_layers": inputs, "output_layers": [end]}
    return config if name is None else {**config, "name": name}


def _add(layer: Config, calls_on: list[list[Any]], nodes: list[Config]) -> list[Any]:
    """Adds a layer that is called once; returns the reference to its output."""
    name = layer["config"]["name"]
    if all(node["name"] != name for node in nodes):
        nodes.append({**layer, "name": name, "inbound_nodes": []})
    node = next(node for node in nodes if node["name"] == name)
    node["inbound_nodes"].append(calls_on)
    return [name, len(node["inbound_nodes"]) - 1, 0]


def _add_branch(branch: Config, nodes: list[Config], inputs: list[list[Any]]) -> list[Any]:
    """Adds the layers of a branch; returns the reference to its output."""
    kind, config = branch.get("class_name"), branch.get("config")
    if kind in ("Model", "Graph") and isinstance(config, dict):
        nodes += config["layers"]
        inputs += config["input_layers"]
        (end,) = config["output_layers"]
        return list(end)
    layers = config if isinstance(config, list) else [branch]
    first, *rest = layers
    if first["class_name"] == "Merge" and "layers" in first["config"]:
        inner = expand_merge(None, layers)
        nodes += inner["layers"]
        inputs += inner["input_layers"]
        return list(inner["output_layers"][0])
    end = _add_input(first, nodes, inputs)
    if first["class_name"] != "InputLayer":
        rest = layers
    for layer in rest:
        end = _add(layer, [end], nodes)
    return end


def _add_input(first: Config, nodes: list[Config], inputs: list[list[Any]]) -> list[Any]:
    """Adds the input that the first layer of a branch declares."""
    config = first["config"]
    if not isinstance(config, dict) or config.get("batch_input_shape") is None:
        raise ValueError(
            "A model that is merged with others must begin with a layer that has "
            f"batch_input_shape. Received: {str(first)[:80]}"
        )
    name = config["name"]
    if first["class_name"] != "InputLayer":
        name = f"{name}_input"
    given = {k: config[k] for k in ("batch_input_shape", "input_dtype") if k in config}
    nodes.append(
        {
            "class_name": "InputLayer",
            "config": {**given, "name": name},
            "name": name,
            "inbound_nodes": [],
        }
    )
    inputs.append([name, 0, 0])
    return [name, 0, 0]
