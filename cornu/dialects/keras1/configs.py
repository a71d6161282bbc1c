"""Configs of layers and models as Keras 1.2.2 writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu import settings, tree
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.dialects.keras1.merge import Branches, Merge
from cornu.dialects.layer_methods import inbound_nodes
from cornu.layers import InputLayer, Lambda
from cornu.legacy.keras1.argument_values import image_dim_ordering
from cornu.legacy.keras1.calls import OldCall, find_call, record_call
from cornu.legacy.keras1.config_values import restore_value
from cornu.legacy.keras1.layer_table import ALIASES, LAYERS
from cornu.models import Model, Sequential
from cornu.models.functional import FunctionalGraph
from cornu.types import Config

__all__ = ["UnknownLayer", "describe_layer", "describe_model", "record_entries"]

# Arguments that Keras 1 does not write, by class. They are written if they are not the defaults,
# because a layer that is created without them would compute something else.
_UNWRITTEN: dict[str, tuple[str, ...]] = {
    "BatchNormalization": ("beta_init", "gamma_init"),
    "ConvLSTM2D": (
        *("W_regularizer", "U_regularizer", "b_regularizer", "dropout_W", "dropout_U"),
        "subsample",
    ),
    "Dropout": ("noise_shape", "seed"),
    **dict.fromkeys(("PReLU", "ParametricSoftplus", "SReLU"), ("shared_axes",)),
    **{
        f"{kind}{n}D": ("dim_ordering",)
        for kind in ("Cropping", "SpatialDropout", "UpSampling", "ZeroPadding")
        for n in (2, 3)
    },
}
# Arguments whose default is the value of another one.
_SAME_AS = {"strides": "pool_size", "stride": "pool_length"}
# Layers that write the size of the input that they were built for.
_MEASURING = ("Dense", "GRU", "LSTM", "MaxoutDense", "SimpleRNN")
_PRODUCTS = ("dot", "cos")
# What every layer has; `weights` is never written.
_OF_LAYERS = ("batch_input_shape", "input_dtype", "input_shape", "name", "trainable", "weights")


_ROWS = {row.old_name: row for rows in LAYERS.values() for row in rows} | {"Merge": Merge.mapping}
_ROWS |= {alias: _ROWS[name] for names in ALIASES.values() for alias, name in names.items()}


class UnknownLayer(ValueError):
    """A model has a layer or an operation that Keras 1 does not have."""


def describe_model(model: Model) -> Config:
    """Returns the class and the config of a model.

    Raises:
        UnknownLayer: a layer is not one of Keras 1.
    """
    if isinstance(model, Sequential):
        return {"class_name": "Sequential", "config": _describe_sequential(model)}
    graph = model._graph_
    if graph is None:
        raise UnknownLayer(f"{model.name!r} is not a Sequential or a functional model")
    return {"class_name": "Model", "config": _describe_graph(graph, model.name)}


def describe_layer(layer: Any) -> Config:
    """Returns the class and the config of a layer or model.

    Raises:
        UnknownLayer: it is not one of Keras 1.
    """
    if isinstance(layer, Model):
        return describe_model(layer)
    if isinstance(layer, InputLayer):
        return {"class_name": "InputLayer", "config": _describe_input(layer)}
    call = find_call(layer)
    if call is not None:
        kind = type(layer).__name__ if _is_of_program(layer) else call.mapping.old_name
        if not _is_of_program(layer) or not _defines_config(layer):
            return {"class_name": kind, "config": _describe_call(layer, call)}
    if not _is_of_program(layer):
        raise UnknownLayer(f"layer {layer.name!r} of class {type(layer).__name__}")
    config = {"name": layer.name, "trainable": layer.trainable, **layer.get_config()}
    return {"class_name": type(layer).__name__, "config": config}


def _is_of_program(layer: Any) -> bool:
    return type(layer).__module__.partition(".")[0] != "cornu"


def _defines_config(layer: Any) -> bool:
    """Returns whether the class of a layer of the program has a `get_config` of its own."""
    owner = next(cls for cls in type(layer).__mro__ if "get_config" in vars(cls))
    return owner.__module__.partition(".")[0] != "cornu"


def _describe_input(layer: Any) -> Config:
    return {
        "batch_input_shape": list(layer.output.shape),
        "input_dtype": layer.output.dtype,
        "sparse": layer.sparse,
        "name": layer.name,
    }


def _describe_call(layer: Any, call: OldCall) -> Config:
    """Returns the config of a layer that was created by a class of Keras 1."""
    name, given = call.mapping.old_name, call.arguments
    if name == "Merge":
        return _describe_merge(layer, call)
    config: Config = {"name": layer.name, "trainable": layer.trainable}
    shape = layer._input_shape_given_
    if shape is not None:
        config["batch_input_shape"] = list(shape)
        dtype = "int32" if name == "Embedding" else settings.get("floatx")
        config["input_dtype"] = given.get("input_dtype") or dtype
    for argument, parameter in call.mapping.parameters.items():
        value = given.get(argument)
        is_default = value == parameter.default if _is_plain(value) else False
        if argument in _OF_LAYERS or is_default and argument in _UNWRITTEN.get(name, ()):
            continue
        config[argument] = _describe_argument(argument, value, given)
    if "function" in config:
        config |= _describe_function("function", layer, given["function"])
        config |= _describe_output_shape(layer, given)
    sizes = _input_shape(layer) or [None]
    if name in _MEASURING and config.get("input_dim") is None:
        config["input_dim"] = sizes[-1]
    if name == "TimeDistributed" and config["layer"]["class_name"] in _MEASURING:
        config["layer"]["config"]["input_dim"] = sizes[-1]
    if config.get("stateful"):
        config["batch_input_shape"] = sizes
        for argument in ("input_dim", "input_length"):
            config.pop(argument, None)
    return config


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, (bool, int, float, str, tuple, list))


def _describe_argument(name: str, value: Any, given: Any) -> Any:
    if isinstance(value, Layer):
        return describe_layer(value)
    if name == "dim_ordering" and value in ("default", None):
        return image_dim_ordering()
    if value is None and name in _SAME_AS:
        return given[_SAME_AS[name]]
    if name == "arguments":
        return value or {}
    return restore_value(name, value)


def _input_shape(layer: Any) -> list[int | None] | None:
    """Returns the shape of the first input, or None if the layer was not called."""
    nodes = inbound_nodes(layer)
    tensors = tree.leaves(nodes[0].args) if nodes else []
    return list(tensors[0].shape) if tensors and isinstance(tensors[0], Tensor) else None


# -------------------------------------------------------------------------------------- functions


def _describe_merge(layer: Any, call: OldCall) -> Config:
    given = call.arguments
    config: Config = {
        "name": layer.name,
        **_describe_function("mode", layer, given["mode"]),
        "concat_axis": given["concat_axis"],
        "dot_axes": _pair(given["dot_axes"]) if given["mode"] in _PRODUCTS else given["dot_axes"],
        **_describe_output_shape(layer, given),
        "output_mask": None,
        "output_mask_type": "raw",
        "arguments": given["arguments"] or {},
    }
    if isinstance(layer, Branches):
        config["layers"] = [describe_model(branch) for branch in layer.branches]
    return config


def _pair(axes: Any) -> Any:
    """Returns the axes of both factors of a product."""
    return [axes, axes] if isinstance(axes, int) else axes


def _describe_function(name: str, layer: Any, value: Any) -> Config:
    """Returns a function by its name; one without a name has that of the layer.

    Keras 1 writes the bytecode of lambdas, which only the same version of Python can run.
    """
    if not callable(value):
        return {name: value, f"{name}_type": "raw"}
    found = getattr(value, "__name__", "<lambda>")
    return {name: layer.name if found == "<lambda>" else found, f"{name}_type": "function"}


def _describe_output_shape(layer: Any, given: Any) -> Config:
    """Returns the shape of the result without the batch: that of the graph for a function."""
    shape = given["output_shape"]
    if callable(shape):
        nodes = inbound_nodes(layer)
        shape = list(nodes[0].output_tensors[0].shape[1:]) if nodes else None
    return {"output_shape": shape, "output_shape_type": "raw"}


# ----------------------------------------------------------------------------------------- models


def _describe_sequential(model: Any) -> list[Config]:
    entries = [describe_layer(layer) for layer in model.layers]
    if entries and isinstance(first := entries[0]["config"], dict) and model._graph_ is not None:
        tensor = model._graph_.input_tensors[0]
        # The shape is that of an Input, or of the first data.
        if "batch_input_shape" not in first and entries[0]["class_name"] != "Merge":
            if not isinstance(model.layers[0], Model):
                first["batch_input_shape"] = list(tensor.shape)
                first["input_dtype"] = tensor.dtype
    return entries


def _describe_graph(graph: FunctionalGraph, name: str) -> Config:
    nodes = [node for node in graph.graph.nodes if not node.is_mask]
    calls: dict[int, list[Node]] = {id(layer): [] for layer in graph.layers}
    references: dict[int, list[Any]] = {}
    names = dict(graph.layer_names)
    for layer in graph.layers:
        if isinstance(layer, InputLayer):
            references[id(layer.output)] = [names[id(layer)], 0, 0]
    for node in nodes:
        if not isinstance(node.op, Layer):
            raise UnknownLayer(f"operation {node.name!r}")
        if isinstance(node.op, InputLayer):
            continue
        own = calls[id(node.op)]
        # The first call of a model is the one that defines it.
        number = len(own) + isinstance(node.op, Model)
        own.append(node)
        for tensor in node.output_tensors:
            references[id(tensor)] = [names[id(node.op)], number, tensor.index]

    def refer(tensors: Any) -> list[Any]:
        return [references[id(t)] for t in tree.leaves(tensors) if isinstance(t, Tensor)]

    layers = [
        {
            "name": names[id(layer)],
            **describe_layer(layer),
            "inbound_nodes": [refer(node.args) for node in calls[id(layer)]],
        }
        for layer in graph.layers
    ]
    return {
        "name": name,
        "layers": layers,
        "input_layers": refer(graph.inputs),
        "output_layers": refer(graph.outputs),
    }


# -------------------------------------------------------------------------------- from old files


def record_entries(layers: Sequence[Any], config: Any) -> None:
    """Records the calls of layers that were created from a config of Keras 1.

    Args:
        layers: the layers of a model.
        config: the config of the model.
    """
    by_name = {layer.name: layer for layer in layers}
    for entry in config["layers"] if isinstance(config, dict) else config:
        inner = entry.get("config")
        if (
            isinstance(inner, list)
            or isinstance(inner, dict)
            and isinstance(inner.get("layers"), list)
        ):
            model = by_name.get(entry.get("name"))
            record_entries(model.layers if isinstance(model, Model) else layers, inner)
        elif isinstance(inner, dict) and inner.get("name") in by_name:
            _record_entry(by_name[inner["name"]], entry["class_name"], inner)


def _record_entry(layer: Any, class_name: str, config: Config) -> None:
    row = _ROWS.get(class_name)
    if row is None:
        return
    arguments = {
        name: config.get(name, None if parameter.default is parameter.empty else parameter.default)
        for name, parameter in row.parameters.items()
    }
    if isinstance(layer, Lambda):
        arguments["mode" if class_name == "Merge" else "function"] = layer.function
    record_call(layer, row, arguments)
