"""Converts the config of a model of Keras 1, Keras 2 or tf.keras to one of today."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from cornu.legacy import keras1, keras2
from cornu.legacy.graphs import (
    Call,
    convert_references,
    count_from_zero,
    describe_call,
    read_calls,
)
from cornu.legacy.keras3 import mark_ops
from cornu.legacy.layer_row import Context
from cornu.legacy.source import Source
from cornu.types import Config

__all__ = ["convert_model"]

# Converts the entry of a layer that is not a model.
LayerConverter = Callable[[Config, Context], Config]

_CONVERTERS: dict[int, LayerConverter] = {1: keras1.convert_layer, 2: keras2.convert_layer}
_MODELS = ("Model", "Functional", "Graph")
# Recurrent layers received their initial states as further inputs.
_RECURRENT = (
    *("RNN", "SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU", "Bidirectional"),
    *("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D", "ConvRNN2D"),
)
# Arguments that declare the shape of the input of a model.
_INPUT_SHAPES = ("batch_input_shape", "input_shape")


def convert_model(config: Any, source: Source) -> Config:
    """Returns the config of today for the config of a model.

    Args:
        config: the config, as plain data. It is not changed.
        source: what wrote it. In those of Keras 3, only ops are marked.

    Raises:
        ValueError: it is not the config of a model, or has a part that has no equal today.
    """
    if not isinstance(config, dict) or "config" not in config:
        raise ValueError(
            "Expected the config of a model, a dict with 'class_name' and 'config'. Received: "
            f"{str(config)[:80]}"
        )
    if source.era == 1:
        source = replace(source, dim_ordering=keras1.find_ordering(config, source))
    return mark_ops(config) if source.era > 2 else _convert_entry(config, source)


def _convert_entry(entry: Config, source: Source) -> Config:
    """Converts the entry of a layer or model, in any depth."""
    kind, config = _read_entry(entry)
    if kind == "Sequential" and _begins_with_merge(config):
        name = config.get("name") if isinstance(config, dict) else None
        layers = config if isinstance(config, list) else config["layers"]
        return _entry("Functional", _convert_graph(keras1.expand_merge(name, layers), source))
    if kind == "Sequential":
        return _entry("Sequential", _convert_sequential(config, source))
    if kind in _MODELS and isinstance(config, dict) and "input_layers" in config:
        return _entry("Functional", _convert_graph(config, source))
    if not isinstance(config, dict):
        raise ValueError(f"The config of {kind!r} must be a dict. Received: {str(config)[:80]}")
    if kind == "InputLayer":
        return _entry(kind, _convert_input(config))
    context = Context(source, functools.partial(_convert_entry, source=source))
    inner = {name: value for name, value in config.items() if name not in _INPUT_SHAPES}
    return _CONVERTERS[source.era]({**entry, "config": inner}, context)


def _begins_with_merge(config: Any) -> bool:
    """Returns whether a Sequential of Keras 1 merges several models."""
    layers = config if isinstance(config, list) else config.get("layers")
    if not isinstance(layers, list) or not layers:
        return False
    kind, first = _read_entry(layers[0])
    return kind == "Merge" and isinstance(first, dict) and "layers" in first


def _read_entry(entry: Any) -> tuple[str, Any]:
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError(
            "Expected the config of a layer, a dict with 'class_name' and 'config'. Received: "
            f"{str(entry)[:80]}"
        )
    return entry["class_name"], entry.get("config")


def _entry(class_name: str, config: Any) -> Config:
    return {
        "module": "keras.layers",
        "class_name": class_name,
        "config": config,
        "registered_name": None,
    }


# ------------------------------------------------------------------------------------------ inputs


def _convert_input(config: Config) -> Config:
    shape = config.get("batch_input_shape", config.get("batch_shape"))
    if shape is None and config.get("input_shape") is not None:
        shape = [None, *config["input_shape"]]
    if config.get("ragged"):
        raise ValueError(
            f"Input {str(config.get('name'))!r} takes ragged tensors, which are not supported. Pad "
            "the sequences, and mask the padding with Masking or Embedding(mask_zero=True)."
        )
    kept = {k: config[k] for k in ("sparse", "name", "optional") if config.get(k) is not None}
    return {"batch_shape": shape, "dtype": _input_dtype(config), **kept}


def _input_dtype(config: Config) -> Any:
    dtype = config.get("input_dtype", config.get("dtype"))
    return dtype if isinstance(dtype, str) and not dtype.startswith("mixed_") else None


def _find_input(entry: Any) -> Config | None:
    """Returns the config of the InputLayer for the first layer of a Sequential, or None."""
    kind, config = _read_entry(entry)
    if kind == "Sequential":
        layers = config if isinstance(config, list) else config.get("layers")
        return _find_input(layers[0]) if layers else None
    if not isinstance(config, Mapping):
        return None
    if kind in _MODELS and "input_layers" in config:
        inputs = [item for item in config["layers"] if item.get("class_name") == "InputLayer"]
        return _convert_input(inputs[0]["config"]) if len(inputs) == 1 else None
    if kind == "InputLayer":
        return _convert_input(dict(config))
    if any(config.get(name) is not None for name in _INPUT_SHAPES):
        name = f"{config.get('name', 'layer')}_input"
        return _convert_input({**config, "name": name, "sparse": None})
    return None


# ------------------------------------------------------------------------------------------ models


def _convert_sequential(config: Any, source: Source) -> Config:
    # A list until Keras 2.2.
    given: dict[str, Any] = {"layers": config} if isinstance(config, list) else dict(config)
    layers = given.get("layers")
    if not isinstance(layers, list):
        raise ValueError(f"The layers of a Sequential must be a list. Received: {layers!r:.80}")
    converted = [_convert_entry(layer, source) for layer in layers]
    if layers and _read_entry(layers[0])[0] != "InputLayer":
        first = _find_input(layers[0])
        if first is not None:
            converted.insert(0, _entry("InputLayer", first))
    kept = {k: given[k] for k in ("name", "trainable") if given.get(k) is not None}
    shape = given.get("build_input_shape")
    if shape and (not converted or converted[0]["class_name"] != "InputLayer"):
        kept["build_input_shape"] = shape
    return {**kept, "layers": converted}


def _convert_graph(config: Config, source: Source) -> Config:
    layers = config.get("layers")
    if not isinstance(layers, list):
        raise ValueError(f"The layers of a model must be a list. Received: {layers!r:.80}")
    ends = [config["input_layers"], config.get("output_layers")]
    nodes = [layer.get("inbound_nodes", []) for layer in layers if isinstance(layer, dict)]
    names = [_name_of(layer) for layer in layers]
    counts = {name: len(calls) for name, calls in zip(names, nodes, strict=True)}
    inputs = {name for name, calls in counts.items() if not calls}
    counts = {name: count for name, count in counts.items() if name not in inputs}
    nodes, ends = count_from_zero([nodes, ends], counts)
    converted: list[Config] = []
    position = 0
    for name, layer, calls in zip(names, layers, nodes, strict=True):
        entry, described = _convert_node(layer, calls, names, source, position)
        position += len(described)
        converted.append({**entry, "name": name, "inbound_nodes": described})
    kept = {k: config[k] for k in ("name", "trainable") if config.get(k) is not None}
    return {
        **kept,
        "layers": converted,
        "input_layers": convert_references(ends[0]),
        "output_layers": convert_references(ends[1]),
    }


def _name_of(layer: Any) -> str:
    _, config = _read_entry(layer)
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    if not isinstance(name, str):
        raise ValueError(f"A layer of the model has no name: {str(layer)[:80]}")
    return name


def _convert_node(
    layer: Config, nodes: Any, names: list[str], source: Source, position: int
) -> tuple[Config, list[Config]]:
    """Returns the entry of a layer in a graph, and its calls."""
    layer = {**layer, "inbound_nodes": nodes}
    if layer["class_name"] in keras2.OPS:
        calls = read_calls(layer, names, keeps_lists=True)
        entry, converted = keras2.convert_op(layer, calls)
        described = [describe_call(position + i, *c) for i, c in enumerate(converted)]
        return entry, described
    calls = read_calls(layer, names)
    if layer["class_name"] in _RECURRENT:
        calls = [_separate_states(layer, call) for call in calls]
    described = [
        describe_call(position + i, [call.inputs], call.kwargs) for i, call in enumerate(calls)
    ]
    entry = _convert_entry(layer, source)
    # A Sequential whose config is a list has its name only here.
    entry["config"].setdefault("name", _name_of(layer))
    return entry, described


def _separate_states(layer: Config, call: Call) -> Call:
    """Passes the initial states, which were further inputs, by name."""
    if layer["config"].get("num_constants"):
        raise ValueError(
            f"{layer['class_name']} {_name_of(layer)!r} takes constants, which are not supported."
        )
    if not isinstance(call.inputs, list):
        return call
    first, *states = call.inputs
    return Call(first, {**call.kwargs, "initial_state": states})
