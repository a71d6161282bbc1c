"""The config of a functional graph: its layers, and their calls on each other's outputs.

The format is that of Keras; `position`, `node_index` and `blocks` of a call are additions that
Keras ignores.
"""

from __future__ import annotations

import itertools
from typing import Any

from cornu import registry, tree
from cornu.core.graph.block import Block
from cornu.core.graph.call_stack import UserCall, current_call, override_call
from cornu.core.graph.op import is_symbolic
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.layers.input import InputLayer
from cornu.models.functional import FunctionalGraph
from cornu.models.op_config import call_arguments, describe_op, find_op, is_op
from cornu.names import make_unique
from cornu.types import PyTree

__all__ = ["build_from_graph_config", "graph_config"]


def graph_config(graph: FunctionalGraph) -> dict[str, Any]:
    """Returns the config of a graph: its layers, their calls, its inputs and outputs."""
    names = dict(graph.layer_names)
    taken = dict.fromkeys(names.values(), 0)
    op_names: dict[int, str] = {}
    calls: dict[str, list[Node]] = {names[id(layer)]: [] for layer in graph.layers}
    kept = [node for node in graph.nodes if not node.is_mask]
    for node in kept:
        if isinstance(node.op, Layer):
            calls.setdefault(names[id(node.op)], []).append(node)
        else:
            op_names[node.number] = make_unique(node.name, taken)
            calls[op_names[node.number]] = [node]
    inside = {id(node) for node in graph.graph.nodes}
    calls_inside = {
        name: [n for n in nodes if id(n) in inside or isinstance(n.op, InputLayer)]
        for name, nodes in calls.items()
    }
    # Layers first: a graph inside another one may call the same layers.
    described: list[dict[str, Any]] = []
    for name, nodes in calls_inside.items():
        op = nodes[0].op if nodes else None
        if isinstance(op, Layer):
            entry = registry.serialize(op)
            # The name in this graph; the dict that was returned is the one that may be changed.
            if "name" in entry["config"]:
                entry["config"] = {**entry["config"], "name": name}
            entry.update(name=name, inbound_nodes=[])
            described.append(entry)
        elif op is not None:
            described.append({**describe_op(nodes[0], name), "name": name, "inbound_nodes": []})
    references: dict[int, list[Any]] = {}
    numbers: dict[int, int] = {}
    for name, nodes in calls.items():
        first = _count_calls(nodes)
        for index, node in enumerate(nodes, first):
            numbers[node.number] = index
            for tensor in node.output_tensors:
                references[id(tensor)] = [name, index, tensor.index]
    for tensor, name in zip(graph.input_tensors, graph.input_names, strict=True):
        references.setdefault(id(tensor), [name, 0, 0])
    new_inputs: list[dict[str, Any]] = []
    intermediate = [t for t in graph.input_tensors if not _is_input(t)]
    for tensor in intermediate:
        # The graph begins at an intermediate Tensor: an Input replaces what precedes it.
        name = make_unique(f"{references[id(tensor)][0]}_input", taken)
        references[id(tensor)] = [name, 0, 0]
        arguments = {"batch_shape": tensor.shape, "dtype": tensor.dtype, "name": name}
        new_inputs.append(_entry(name, "keras.layers", "InputLayer", arguments, []))
    positions = _node_positions(graph)
    for entry in described:
        entry["inbound_nodes"] += [
            {
                **_describe_call(node, references),
                **positions[node.number],
                "node_index": numbers[node.number],
            }
            for node in calls_inside[entry["name"]]
            if not isinstance(node.op, InputLayer)
        ]
    # Keras counts the calls of a Functional model from 1 where a config names inputs and outputs.
    ends = dict(references)
    for node in kept:
        for tensor in node.output_tensors if _is_functional(node.op) else ():
            name, index, position = references[id(tensor)]
            ends[id(tensor)] = [name, index + 1, position]
    return {
        "layers": [*new_inputs, *described],
        "input_layers": _tensor_references(graph.inputs, ends),
        "output_layers": _tensor_references(graph.outputs, ends),
    }


def _count_calls(nodes: list[Node]) -> int:
    """Returns the index of the first of some calls of a layer among its calls in a file."""
    archive = registry.current_archive()
    if archive is None or not nodes or not isinstance(nodes[0].op, Layer):
        return 0
    return (
        0 if isinstance(nodes[0].op, InputLayer) else archive.count_calls(nodes[0].op, len(nodes))
    )


def _is_functional(op: Any) -> bool:
    return isinstance(op, Layer) and op._is_functional_


def _node_positions(graph: FunctionalGraph) -> dict[int, dict[str, Any]]:
    """Returns the position of each node in the graph, and the blocks that contain it.

    A block is `[function, number]`, or `[function, number, True]` if it is rematerialized.
    """
    numbers = itertools.count()
    around: dict[int, list[Any]] = {}

    def enter(block: Block, chain: list[Any]) -> None:
        around.update((node.number, chain) for node in block.nodes)
        for child in block.children:
            entry = [child.function, next(numbers), *([True] if child.remat else [])]
            enter(child, [*chain, entry])

    enter(graph.graph.root, [])
    return {
        node.number: {"position": i, "blocks": around[node.number]}
        for i, node in enumerate(graph.graph.nodes)
    }


def _entry(name: str, module: str, kind: str, config: Any, inbound: Any) -> dict[str, Any]:
    return {
        "module": module,
        "class_name": kind,
        "config": config,
        "registered_name": None,
        "name": name,
        "inbound_nodes": inbound,
    }


def _is_input(tensor: Tensor) -> bool:
    return tensor.node is not None and isinstance(tensor.node.op, InputLayer)


def _tensor_references(structure: PyTree, references: dict[int, list[Any]]) -> Any:
    if isinstance(structure, Tensor):
        return references[id(structure)]
    if isinstance(structure, dict):
        return {key: _tensor_references(value, references) for key, value in structure.items()}
    return [_tensor_references(item, references) for item in structure]


def _describe_call(node: Node, references: dict[int, list[Any]]) -> dict[str, Any]:
    def data(leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            config = {
                "shape": leaf.shape,
                "dtype": leaf.dtype,
                "keras_history": references[id(leaf)],
            }
            return {"class_name": "__keras_tensor__", "config": config}
        return registry.serialize(leaf)

    args, kwargs = call_arguments(node)
    kwargs = {
        name: value
        for name, value in kwargs.items()
        if not any(
            isinstance(t, Tensor) and t.node is not None and t.node.is_mask
            for t in tree.leaves(value)
        )
    }
    return {
        "args": [_map_leaves(arg, data) for arg in args],
        "kwargs": _map_leaves(kwargs, data),
    }


def _map_leaves(value: Any, leaf: Any) -> Any:
    if isinstance(value, dict):
        return {key: _map_leaves(item, leaf) for key, item in value.items()}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"class_name": "__tuple__", "items": [_map_leaves(item, leaf) for item in value]}
    if isinstance(value, list):
        return [_map_leaves(item, leaf) for item in value]
    return leaf(value)


# ------------------------------------------------------------------------------------ from config


def build_from_graph_config(config: dict[str, Any]) -> tuple[Any, Any]:
    """Builds a graph from its config; returns the inputs and outputs in their structure."""
    tensors: dict[tuple[str, int], list[Tensor]] = {}
    outputs: dict[tuple[str, int], list[Tensor]] = {}  # the same, by the indices of outputs
    pending: list[tuple[str, Any, int, dict[str, Any]]] = []
    for entry in config["layers"]:
        name = entry["name"]
        if entry["class_name"] == "InputLayer":
            layer = registry.deserialize(entry)
            tensors[name, 0] = outputs[name, 0] = [layer.output]
            continue
        callee = find_op(entry) if is_op(entry) else registry.deserialize(entry)
        for index, call in enumerate(entry["inbound_nodes"]):
            pending.append((name, callee, _get_index(call, index), call))
    pending.sort(key=lambda item: _position(item[-1]))
    calls: dict[int, UserCall] = {}
    location = current_call()[1]
    # The calls in files of Keras have no position: each waits until its inputs exist.
    while pending:
        left = []
        for item in pending:
            name, callee, index, call = item
            try:
                args, kwargs = _restore(call["args"], tensors), _restore(call["kwargs"], tensors)
                if not _is_ours(call):
                    kwargs.pop("training", None)
            except _Missing:
                left.append(item)
                continue
            if not is_symbolic(args, kwargs):
                raise ValueError(f"The config calls {name!r} without a Tensor argument.")
            with override_call(_innermost_call(call.get("blocks", []), calls), location):
                results = tree.leaves(callee(*args, **kwargs))
            tensors[name, index] = results
            outputs[name, index + _shift_of_outputs(callee, call)] = results
        if len(left) == len(pending):
            names = sorted({item[0] for item in left})
            raise ValueError(f"Layers {names} depend on layers that are missing from the config.")
        pending = left
    return _look_up(config["input_layers"], outputs), _look_up(config["output_layers"], outputs)


def _get_index(call: Any, position: int) -> int:
    """Returns the index by which other calls refer to one of the calls of a layer."""
    index = call.get("node_index", position) if isinstance(call, dict) else position
    return index if isinstance(index, int) else position


def _is_ours(call: Any) -> bool:
    """Returns whether cornu wrote a call, and not Keras.

    Keras writes the phase to every call of a layer that takes one, whether or not the program
    passed it, and a model passes its own phase instead when it runs.
    """
    return "position" in call or "node_index" in call


def _shift_of_outputs(callee: Any, call: Any) -> int:
    """Returns what is added to the index of a call where a config names inputs and outputs."""
    # Earlier versions of cornu wrote positions, but no indices, and counted every call from 0.
    if "position" in call and "node_index" not in call:
        return 0
    return int(_is_functional(callee))


def _position(call: Any) -> int:
    position = call.get("position", 0) if isinstance(call, dict) else 0
    return position if isinstance(position, int) else 0


def _innermost_call(blocks: Any, calls: dict[int, UserCall]) -> UserCall | None:
    """Returns the user call of the innermost block that contains a node."""
    call: UserCall | None = None
    for entry in blocks:
        if not isinstance(entry, (list, tuple)) or not 2 <= len(entry) <= 3:
            raise ValueError(
                f"A block in the config must be [function, number]. Received: {entry!r}"
            )
        name, number = str(entry[0]).replace("/", "_"), entry[1]
        if number not in calls:
            calls[number] = UserCall(name, call, remat=len(entry) > 2 and bool(entry[2]))
        call = calls[number]
    return call


class _Missing(Exception):
    """A call depends on a Tensor that is not computed yet."""


def _restore(value: Any, tensors: dict[tuple[str, int], list[Tensor]]) -> Any:
    if isinstance(value, list):
        return [_restore(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "__keras_tensor__":
        name, index, position = value["config"]["keras_history"]
        if (name, index) not in tensors:
            raise _Missing
        return tensors[name, index][position]
    if kind == "__tuple__":
        return tuple(_restore(item, tensors) for item in value["items"])
    if kind is not None:
        return registry.deserialize(value)
    return {key: _restore(item, tensors) for key, item in value.items()}


def _look_up(places: Any, tensors: dict[tuple[str, int], list[Tensor]]) -> Any:
    if isinstance(places, dict):
        return {key: _look_up(item, tensors) for key, item in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        name, index, position = places
        return tensors[name, index][position]
    return [_look_up(item, tensors) for item in places]
