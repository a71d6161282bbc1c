"""Configs of models in the layouts of Keras 1 and 2."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from cornu import tree
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.dialects.layer_methods import inbound_nodes
from cornu.dialects.old_configs import keeps_functions
from cornu.layers import InputLayer
from cornu.models import Model
from cornu.models.functional import FunctionalGraph
from cornu.types import Config

__all__ = [
    "UnknownLayer",
    "describe_function",
    "describe_graph",
    "describe_output_shape",
    "input_shape_of",
    "set_input",
]


class UnknownLayer(ValueError):
    """A model has an operation, or a layer that no class of the old version created."""


def describe_graph(
    graph: FunctionalGraph,
    name: str,
    describe_layer: Callable[[Any], Config],
    *,
    has_arguments: bool,
) -> Config:
    """Returns the layers of a graph and their calls.

    Args:
        graph: the graph.
        name: the name of the model.
        describe_layer: returns the class and the config of a layer.
        has_arguments: whether each input of a call is followed by the other arguments, as in
            Keras 2.

    Raises:
        UnknownLayer: a node of the graph is not the call of a layer.
    """
    calls: dict[int, list[Node]] = {id(layer): [] for layer in graph.layers}
    references: dict[int, list[Any]] = {}
    names = dict(graph.layer_names)
    for layer in graph.layers:
        if isinstance(layer, InputLayer):
            references[id(layer.output)] = [names[id(layer)], 0, 0]
    for node in graph.graph.nodes:
        if node.is_mask or isinstance(node.op, InputLayer):
            continue
        if not isinstance(node.op, Layer):
            raise UnknownLayer(f"operation {node.name!r} is not the call of a layer")
        own = calls[id(node.op)]
        # The first call of a model is the one that defines it.
        number = len(own) + isinstance(node.op, Model)
        own.append(node)
        for tensor in node.output_tensors:
            references[id(tensor)] = [names[id(node.op)], number, tensor.index]

    def refer(tensors: Any) -> list[list[Any]]:
        found = (t for t in tree.leaves(tensors) if isinstance(t, Tensor) and not _is_mask(t))
        return [references[id(tensor)] for tensor in found]

    def describe_call(node: Node) -> list[list[Any]]:
        inputs = refer([node.args, node.kwargs])
        if not has_arguments:
            return inputs
        given = {k: v for k, v in node.kwargs.items() if isinstance(v, (bool, int, float, str))}
        return [[*reference, given] for reference in inputs]

    layers = [
        {
            "name": names[id(layer)],
            **describe_layer(layer),
            "inbound_nodes": [describe_call(node) for node in calls[id(layer)]],
        }
        for layer in graph.layers
    ]
    return {
        "name": name,
        "layers": layers,
        "input_layers": refer(graph.inputs),
        "output_layers": refer(graph.outputs),
    }


def _is_mask(tensor: Tensor) -> bool:
    return tensor.node is not None and tensor.node.is_mask


def set_input(model: Any, entries: list[Config], dtype: str) -> None:
    """Adds the shape of the input to the first layer of a Sequential, if it has none.

    Args:
        model: the Sequential.
        entries: the classes and configs of its layers; the first one is changed.
        dtype: the name of the argument for the dtype.
    """
    if not entries or model._graph_ is None or isinstance(model.layers[0], Model):
        return
    first = entries[0]["config"]
    if "batch_input_shape" not in first and entries[0]["class_name"] != "Merge":
        tensor = model._graph_.input_tensors[0]
        first["batch_input_shape"] = list(tensor.shape)
        first[dtype] = tensor.dtype


def input_shape_of(layer: Any) -> list[int | None] | None:
    """Returns the shape of the first input of a layer, or None if it was not called."""
    nodes = inbound_nodes(layer)
    tensors = tree.leaves(nodes[0].args) if nodes else []
    return list(tensors[0].shape) if tensors and isinstance(tensors[0], Tensor) else None


def describe_function(name: str, layer: Any, value: Any) -> Config:
    """Returns a function by its name; one without a name has that of the layer.

    Keras 1 and 2 write the bytecode of lambdas, which only the same version of Python can run.

    Args:
        name: the argument.
        layer: the layer.
        value: the function, or another value.
    """
    if not callable(value):
        return {name: value, f"{name}_type": "raw"}
    if keeps_functions():
        has_code = isinstance(value, types.FunctionType)
        return {name: value, f"{name}_type": "lambda" if has_code else "function"}
    found = getattr(value, "__name__", "<lambda>")
    return {name: layer.name if found == "<lambda>" else found, f"{name}_type": "function"}


def describe_output_shape(layer: Any, shape: Any) -> Config:
    """Returns the shape of a result without the batch: that of the graph for a function."""
    if callable(shape) and keeps_functions():
        return describe_function("output_shape", layer, shape)
    if callable(shape):
        nodes = inbound_nodes(layer)
        shape = list(nodes[0].output_tensors[0].shape[1:]) if nodes else None
    return {"output_shape": shape, "output_shape_type": "raw"}
