"""Sketch: the graph of a layer or model that was not drawn, by calling it on symbolic Tensors.

A subclassed model is a program. Most of these programs also run on Tensors that have no numbers,
and then leave the same nodes and blocks behind as a drawn model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cornu import tree
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.layers.input import Input
from cornu.names import make_unique

__all__ = ["Sketch", "sketch", "sketch_call"]


@dataclass(eq=False)
class Sketch:
    """What a FunctionalGraph is for a drawn model, as far as looking at it needs."""

    graph: Graph
    input_tensors: list[Tensor]
    output_tensors: list[Tensor]
    layer_names: dict[int, str]


def sketch(model: Any) -> Sketch | None:
    """Returns the graph of a subclassed model; None if its program does not run on Tensors."""
    if not model.is_model:
        return None
    config = model.get_build_config() or {}
    if "inputs" not in config:
        return None
    return _sketch(model, (_inputs(config["inputs"], "inputs"),), {})


def sketch_call(node: Node) -> Sketch | None:
    """Returns the graph inside of a call that stands in another graph, as `sketch` does."""
    taken: dict[str, int] = {}

    def fresh(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        name = value.node.name if value.node is not None else value.name
        name = make_unique(name.replace("/", "_"), taken)
        return Input(batch_shape=value.shape, dtype=value.dtype, name=name)

    args, kwargs = tree.map(fresh, (node.args, node.kwargs))
    return _sketch(node.op, args, kwargs)


def _sketch(layer: Any, args: Any, kwargs: Any) -> Sketch | None:
    inputs = [leaf for leaf in tree.leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    try:
        outputs = [t for t in tree.leaves(layer.call(*args, **kwargs)) if isinstance(t, Tensor)]
        graph = Graph(inputs, outputs)
    except Exception:  # whatever the user's program raises: without numbers it cannot be drawn
        return None
    if not graph.nodes:
        return None
    taken: dict[str, int] = {}
    layers = {id(node.op): node.op for node in graph.nodes if isinstance(node.op, Layer)}
    names = {key: make_unique(layer.name, taken) for key, layer in layers.items()}
    return Sketch(graph, inputs, outputs, names)


def _inputs(described: Any, name: str) -> Any:
    """Returns Inputs from a build config: [shape, dtype] in the structure of the inputs."""
    if isinstance(described, dict):
        return {key: _inputs(item, str(key)) for key, item in described.items()}
    if len(described) == 2 and isinstance(described[1], str):
        return Input(batch_shape=tuple(described[0]), dtype=described[1], name=name)
    return [_inputs(item, f"{name}_{i}") for i, item in enumerate(described)]
