"""A drawn model as plain data: its layers, and how they are called on each other's outputs."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from cornu import ops, registry, tree
from cornu.core.graph.block import Block
from cornu.core.graph.call_stack import UserCall, current_call, override_call
from cornu.core.graph.op import Op, is_symbolic
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.errors import suggest
from cornu.layers.input import InputLayer
from cornu.models.functional import FunctionalGraph
from cornu.names import make_unique, snake_case

__all__ = ["describe", "draw"]

_SLICE = ("start", "stop", "step")
# Where the name of Keras's class is not the op's in another spelling.
_OPS_OF_KERAS = {
    "all_close": "allclose",
    "batch_norm": "batch_normalization",
    "c_dist": "cdist",
    "is_in": "isin",
    "layer_norm": "layer_normalization",
    "rms_norm": "rms_normalization",
    "search_sorted": "searchsorted",
}


def describe(drawing: FunctionalGraph) -> dict[str, Any]:
    """Returns layers, their calls, inputs and outputs of a drawn model."""
    names = dict(drawing.layer_names)
    taken = dict.fromkeys(names.values(), 0)
    op_names: dict[int, str] = {}
    calls: dict[str, list[Node]] = {names[id(layer)]: [] for layer in drawing.layers}
    kept = [node for node in drawing.nodes if node.name != "compute_mask"]
    for node in kept:
        if isinstance(node.op, Layer):
            calls.setdefault(names[id(node.op)], []).append(node)
        else:
            op_names[node.number] = make_unique(node.name, taken)
            calls[op_names[node.number]] = [node]
    where: dict[int, list[Any]] = {}
    for name, nodes in calls.items():
        for index, node in enumerate(nodes):
            for tensor in node.output_tensors:
                where[id(tensor)] = [name, index, tensor.index]
    for tensor, name in zip(drawing.input_tensors, drawing.input_names, strict=True):
        where.setdefault(id(tensor), [name, 0, 0])
    described: list[dict[str, Any]] = []
    intermediate = [t for t in drawing.input_tensors if not _is_input(t)]
    for tensor in intermediate:
        # The graph begins inside another: an Input stands in for what is before.
        name = make_unique(f"{where[id(tensor)][0]}_input", taken)
        where[id(tensor)] = [name, 0, 0]
        stand_in = {"batch_shape": tensor.shape, "dtype": tensor.dtype, "name": name}
        described.append(_entry(name, "keras.layers", "InputLayer", stand_in, []))
    inside = {id(node) for node in drawing.graph.nodes}
    stands = _stands(drawing)
    for name, nodes in calls.items():
        ours = [node for node in nodes if id(node) in inside or isinstance(node.op, InputLayer)]
        if not ours:
            continue
        op = ours[0].op
        inbound = [
            {**_call(node, where), **stands[node.number]}
            for node in ours
            if not isinstance(op, InputLayer)
        ]
        if isinstance(op, Layer):
            data = registry.serialize(op)
            config = {**data["config"], "name": name}  # the name in this drawing
            described.append({**data, "config": config, "name": name, "inbound_nodes": inbound})
        else:
            described.append(_entry(name, "keras.ops", op.name, {"name": name}, inbound))
    return {
        "layers": described,
        "input_layers": _places(drawing.inputs, where),
        "output_layers": _places(drawing.outputs, where),
    }


def _stands(drawing: FunctionalGraph) -> dict[int, dict[str, Any]]:
    """Returns where each node stands in the drawing: its position, and the blocks around it.

    A block is `[function, number]`, or `[function, number, True]` if it recomputes.
    """
    numbers = itertools.count()
    around: dict[int, list[Any]] = {}

    def enter(block: Block, chain: list[Any]) -> None:
        around.update((node.number, chain) for node in block.nodes)
        for child in block.children:
            entry = [child.function, next(numbers), *([True] if child.remat else [])]
            enter(child, [*chain, entry])

    enter(drawing.graph.root, [])
    return {
        node.number: {"position": i, "blocks": around[node.number]}
        for i, node in enumerate(drawing.graph.nodes)
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


def _places(structure: Any, where: dict[int, list[Any]]) -> Any:
    if isinstance(structure, Tensor):
        return where[id(structure)]
    if isinstance(structure, dict):
        return {key: _places(value, where) for key, value in structure.items()}
    return [_places(item, where) for item in structure]


def _call(node: Node, where: dict[int, list[Any]]) -> dict[str, Any]:
    def data(leaf: Any) -> Any:
        if isinstance(leaf, Tensor):
            config = {"shape": leaf.shape, "dtype": leaf.dtype, "keras_history": where[id(leaf)]}
            return {"class_name": "__keras_tensor__", "config": config}
        if isinstance(leaf, slice):
            return {"class_name": "__slice__", "config": {w: getattr(leaf, w) for w in _SLICE}}
        if leaf is Ellipsis:
            return {"class_name": "__ellipsis__", "config": {}}
        return registry.serialize(leaf)

    kwargs = {
        name: value
        for name, value in node.kwargs.items()
        if not any(
            isinstance(t, Tensor) and t.node is not None and t.node.name == "compute_mask"
            for t in tree.leaves(value)
        )
    }
    return {"args": [_walk(arg, data) for arg in node.args], "kwargs": _walk(kwargs, data)}


def _walk(value: Any, leaf: Any) -> Any:
    if isinstance(value, dict):
        return {key: _walk(item, leaf) for key, item in value.items()}
    if isinstance(value, tuple) and not hasattr(value, "_fields"):
        return {"class_name": "__tuple__", "items": [_walk(item, leaf) for item in value]}
    if isinstance(value, list):
        return [_walk(item, leaf) for item in value]
    return leaf(value)


# ------------------------------------------------------------------------------------- and back


def draw(config: dict[str, Any]) -> tuple[Any, Any]:
    """Draws a graph from its description; returns the inputs and outputs in their structure."""
    tensors: dict[tuple[str, int], list[Tensor]] = {}
    waiting: list[tuple[str, Any, int, dict[str, Any]]] = []
    for entry in config["layers"]:
        name = entry["name"]
        if entry["class_name"] == "InputLayer":
            layer = registry.deserialize(entry)
            tensors[name, 0] = [layer.output]
            continue
        callee = _op(entry) if _is_op(entry) else registry.deserialize(entry)
        for index, call in enumerate(entry["inbound_nodes"]):
            waiting.append((name, callee, index, call))
    waiting.sort(key=lambda item: _position(item[-1]))
    calls: dict[int, UserCall] = {}
    place = current_call()[1]
    while waiting:
        left = []
        for item in waiting:
            name, callee, index, call = item
            try:
                args, kwargs = _fill(call["args"], tensors), _fill(call["kwargs"], tensors)
            except _Missing:
                left.append(item)
                continue
            if not is_symbolic(args, kwargs):
                raise ValueError(f"The config calls {name!r} on no Tensor.")
            with override_call(_innermost(call.get("blocks", []), calls), place):
                tensors[name, index] = tree.leaves(callee(*args, **kwargs))
        if len(left) == len(waiting):
            names = sorted({item[0] for item in left})
            raise ValueError(f"The config's layers {names} depend on layers that it does not have.")
        waiting = left
    return _find(config["input_layers"], tensors), _find(config["output_layers"], tensors)


def _position(call: Any) -> int:
    position = call.get("position", 0) if isinstance(call, dict) else 0
    return position if isinstance(position, int) else 0


def _innermost(blocks: Any, calls: dict[int, UserCall]) -> UserCall | None:
    """Returns the Call of the innermost block that a node stands in."""
    call: UserCall | None = None
    for entry in blocks:
        if not isinstance(entry, (list, tuple)) or not 2 <= len(entry) <= 3:
            raise ValueError(f"The config's blocks are [function, number]. Received: {entry!r}")
        name, number = str(entry[0]).replace("/", "_"), entry[1]
        if number not in calls:
            calls[number] = UserCall(name, call, remat=len(entry) > 2 and bool(entry[2]))
        call = calls[number]
    return call


class _Missing(Exception):
    """A Tensor that was not drawn yet."""


def _is_op(entry: dict[str, Any]) -> bool:
    return (entry.get("module") or "").startswith(("keras.ops", "keras.src.ops"))


def _op(entry: dict[str, Any]) -> Any:
    """Returns the op of an entry; Keras has a class for each op, and keeps arguments in it."""
    name = entry["class_name"]
    own = registry.get_registered_object(name)
    if own is not None:
        return own
    name = snake_case(name)
    name = _OPS_OF_KERAS.get(name, name)
    if name == "get_item":
        return Op("get_item", lambda x, key: x[tuple(key) if isinstance(key, list) else key])
    room = ops.image if entry["module"].endswith(".image") else ops
    if name not in room.__all__:
        raise ValueError(
            f"Unknown op {name!r}. {suggest(name, room.__all__)}\n"
            f"If it is your own, pass custom_objects={{{name!r}: cornu.op(...)}}."
        )
    function = getattr(room, name)
    kept = {k: registry.deserialize(v) for k, v in entry["config"].items() if k != "name"}
    if not kept:
        return function
    if name == "einsum":  # the one op whose Tensors come last
        return functools.partial(function, kept["subscripts"])
    return functools.partial(function, **kept)


def _fill(value: Any, tensors: dict[tuple[str, int], list[Tensor]]) -> Any:
    if isinstance(value, list):
        return [_fill(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "__keras_tensor__":
        name, index, position = value["config"]["keras_history"]
        if (name, index) not in tensors:
            raise _Missing
        return tensors[name, index][position]
    if kind == "__tuple__":
        return tuple(_fill(item, tensors) for item in value["items"])
    if kind == "__slice__":
        return slice(*(value["config"][word] for word in _SLICE))
    if kind == "__ellipsis__":
        return Ellipsis
    if kind is not None:
        return registry.deserialize(value)
    return {key: _fill(item, tensors) for key, item in value.items()}


def _find(places: Any, tensors: dict[tuple[str, int], list[Tensor]]) -> Any:
    if isinstance(places, dict):
        return {key: _find(item, tensors) for key, item in places.items()}
    if len(places) == 3 and isinstance(places[0], str):
        name, index, position = places
        return tensors[name, index][position]
    return [_find(item, tensors) for item in places]
