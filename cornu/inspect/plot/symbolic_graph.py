"""The graph of a subclassed model or layer, found by calling it on symbolic Tensors.

Most `call` methods also run on symbolic Tensors, and then record the same nodes and blocks as a
functional model. Those that need concrete values have no graph.
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

__all__ = ["SymbolicGraph", "trace_node", "trace_subclassed"]


@dataclass(eq=False)
class SymbolicGraph:
    """The part of the interface of a `FunctionalGraph` that plots need."""

    graph: Graph
    input_tensors: list[Tensor]
    output_tensors: list[Tensor]
    layer_names: dict[int, str]


def trace_subclassed(model: Layer) -> SymbolicGraph | None:
    """Returns the graph of a subclassed model; None if `call` does not run on symbolic Tensors."""
    if not model._is_model_:
        return None
    # The build config has the shapes of the first call, also in a model that was loaded.
    config = model.get_build_config() or {}
    if "inputs" not in config:
        return None
    return _trace(model, (_make_inputs(config["inputs"], "inputs"),), {})


def trace_node(node: Node) -> SymbolicGraph | None:
    """Returns the graph of one call of a subclassed model in another graph, or None."""
    taken: dict[str, int] = {}

    def fresh(value: Any) -> Any:
        if not isinstance(value, Tensor):
            return value
        name = value.node.name if value.node is not None else value.name
        name = make_unique(name.replace("/", "_"), taken)
        return Input(batch_shape=value.shape, dtype=value.dtype, name=name)

    args, kwargs = tree.map(fresh, (node.args, node.kwargs))
    return _trace(node.op, args, kwargs)


def _trace(layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> SymbolicGraph | None:
    inputs = [leaf for leaf in tree.leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    try:
        outputs = [t for t in tree.leaves(layer.call(*args, **kwargs)) if isinstance(t, Tensor)]
        graph = Graph(inputs, outputs)
    except Exception:  # the user's code may raise anything when there are no values
        return None
    if not graph.nodes:
        return None
    taken: dict[str, int] = {}
    layers = {id(node.op): node.op for node in graph.nodes if isinstance(node.op, Layer)}
    names = {key: make_unique(layer.name, taken) for key, layer in layers.items()}
    return SymbolicGraph(graph, inputs, outputs, names)


def _make_inputs(described: Any, name: str) -> Any:
    """Returns Inputs from a build config: [shape, dtype] in the structure of the inputs."""
    if isinstance(described, dict):
        return {key: _make_inputs(item, str(key)) for key, item in described.items()}
    if len(described) == 2 and isinstance(described[1], str):
        return Input(batch_shape=tuple(described[0]), dtype=described[1], name=name)
    return [_make_inputs(item, f"{name}_{i}") for i, item in enumerate(described)]
