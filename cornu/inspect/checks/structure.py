"""Checks of the functional graph: masks, batch normalization, outputs without a loss."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cornu.core.graph.op import library_op_name
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.layer.walk import nested_layers
from cornu.inspect.checks.context import CheckContext, GraphCall, path_of_node
from cornu.inspect.checks.report import Finding
from cornu.layers import BatchNormalization

__all__ = ["check_masks", "check_names", "check_normalization", "check_outputs", "check_paths"]


def check_masks(context: CheckContext) -> Iterator[Finding]:
    """Finds layers and ops that receive a masked input and return an output without a mask."""
    calls = context.calls()
    users = [call for call in calls if isinstance(call.op, Layer) and _uses_mask(call.op)]
    for call in calls:
        node = call.node
        masked = [t for t in node.inputs if t.mask is not None]
        if not masked or any(t.mask is not None for t in node.output_tensors):
            continue
        if isinstance(node.op, Layer):
            if not node.op.supports_masking and not _uses_mask(node.op):
                text = f"{type(node.op).__name__} does not support masking."
                yield Finding("C022", text, call.path, call.place, already_warned=True)
        elif library_op_name(node.op) not in _MASKLESS and _same_steps(masked[0], node):
            after = _first_after(node, users)
            if after is not None:
                text = f"The op {node.name!r} passes no mask on, and {after.path} would use it."
                yield Finding("C022", text, call.path, call.place)


# Ops that end the sequence, or that make masks.
_MASKLESS = frozenset("compute_mask not_equal equal any all shape".split())


def _uses_mask(layer: Layer) -> bool:
    return call_signature(type(layer)).mask


def _same_steps(masked: Tensor, node: Node) -> bool:
    """Returns whether an op's output has the batch and time axes of its masked input."""
    shape = node.output_tensors[0].shape
    return len(shape) >= 3 and shape[:2] == masked.shape[:2]


def _first_after(node: Node, users: list[GraphCall]) -> GraphCall | None:
    """Returns the first layer after a node that uses masks and receives none."""
    reached = {id(t) for t in node.output_tensors}
    for call in users:
        todo, seen = list(call.node.inputs), set()
        if any(t.mask is not None for t in todo):
            continue
        while todo:
            tensor = todo.pop()
            if id(tensor) in reached:
                return call
            if id(tensor) in seen or tensor.node is None:
                continue
            seen.add(id(tensor))
            todo.extend(tensor.node.inputs)
    return None


def check_normalization(context: CheckContext) -> Iterator[Finding]:
    """Checks batch normalization: frozen without statistics, after frozen layers, single rows."""
    trains = bool(context.model.trainable_variables)
    for call in context.calls():
        layer = call.op
        if not isinstance(layer, BatchNormalization) or not layer.built:
            continue
        before = _weighted_before(call.node)
        if not layer.trainable:
            if trains and _has_initial_statistics(layer):
                mild = "" if any(inner.trainable for inner in before) else "info"
                yield Finding(
                    "C030", "Its mean is 0 and its variance 1.", call.path, call.place, mild
                )
            elif trains:
                yield Finding("C033", "It uses its moving averages.", call.path, call.place)
            continue
        if before and all(not inner.trainable for inner in before):
            text = f"{before[0].name!r} before it is frozen."
            yield Finding("C031", text, call.path, call.place)
        shape = call.node.inputs[0].shape
        others = [s for i, s in enumerate(shape[1:], 1) if i != layer.axis % len(shape)]
        if context.batch_size == 1 and all(size == 1 for size in others):
            yield Finding("C032", "batch_size is 1.", call.path, call.place)


def _has_initial_statistics(layer: BatchNormalization) -> bool:
    return not np.any(layer.moving_mean.numpy()) and bool(
        np.all(layer.moving_variance.numpy() == 1)
    )


def _weighted_before(node: Node) -> list[Layer]:
    """Returns the nearest layers with weights before a node."""
    found: list[Layer] = []
    todo, seen = list(node.inputs), set()
    while todo:
        made = todo.pop().node
        if made is None or made.number in seen:
            continue
        seen.add(made.number)
        if isinstance(made.op, Layer) and made.op.weights:
            found.append(made.op)
        else:
            todo.extend(made.inputs)
    return found


def check_outputs(context: CheckContext) -> Iterator[Finding]:
    """Finds outputs without a loss whose layers are not used by any other output."""
    if context.functional_graph is None or all(output.loss is None for output in context.outputs):
        return
    useful = _ancestors([output.tensor for output in context.outputs if output.loss is not None])
    for output in context.outputs:
        if output.loss is not None:
            continue
        alone = [
            node
            for node in _ancestors([output.tensor]).values()
            if isinstance(node.op, Layer) and id(node.op) not in {id(n.op) for n in useful.values()}
        ]
        weighted = [node for node in alone if node.op.trainable_variables]
        if weighted:
            graph = context.functional_graph
            names = [path_of_node(graph, node) for node in weighted]
            listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            text = f"No other output uses {listed}."
            place = output.tensor.node.location if output.tensor.node else ""
            severity = "info" if output.given else ""
            yield Finding("C020", text, f"output {output.name!r}", place, severity)


def check_paths(context: CheckContext) -> Iterator[Finding]:
    """Finds layers whose every path to a loss contains an op without gradient."""
    heads = [output.tensor for output in context.outputs if output.loss is not None]
    graph = context.functional_graph
    if graph is None or not heads or any(map(_may_add_losses, nested_layers(context.model))):
        return
    reached = {id(node.op) for node in _ancestors(heads, smooth=True).values()}
    for node in _ancestors(heads).values():
        layer = node.op
        if id(layer) in reached or not isinstance(layer, Layer):
            continue
        trained = layer.trainable_variables
        if trained and all(v.regularizer is None for v in trained):
            cut = next(n for n in _after(node, graph.graph.nodes) if not _is_smooth(n))
            text = f"Every path to a loss goes through {cut.name!r} ({cut.location})."
            yield Finding("C021", text, path_of_node(graph, node), node.location)


# Ops that are constant almost everywhere. stop_gradient is missing, because its use is deliberate.
_FLAT = frozenset(
    "argmax argmin argsort sign round floor ceil trunc equal not_equal less less_equal greater "
    "greater_equal logical_not logical_and logical_or one_hot isfinite isnan digitize".split()
)


def _is_smooth(node: Node) -> bool:
    if all(t.dtype.startswith(("int", "uint", "bool")) for t in node.output_tensors):
        return False
    return library_op_name(node.op) not in _FLAT


def _may_add_losses(layer: Layer) -> bool:
    own = not type(layer).__module__.startswith("cornu.")
    return own or layer.activity_regularizer is not None


def _after(node: Node, nodes: tuple[Node, ...]) -> Iterator[Node]:
    """Yields the nodes that depend on a node, nearest first."""
    reached = {id(t) for t in node.output_tensors}
    for later in nodes:
        if any(id(t) in reached for t in later.inputs):
            reached.update(id(t) for t in later.output_tensors)
            yield later


def _ancestors(tensors: list[Tensor], smooth: bool = False) -> dict[int, Node]:
    """Returns the nodes before Tensors; with `smooth`, only those that a gradient reaches."""
    found: dict[int, Node] = {}
    todo = list(tensors)
    while todo:
        node = todo.pop().node
        if node is None or node.number in found or (smooth and not _is_smooth(node)):
            continue
        found[node.number] = node
        todo.extend(node.inputs)
    return found


def check_names(context: CheckContext) -> Iterator[Finding]:
    """Finds output names that got a number because two layers have the same name."""
    if context.functional_graph is None or isinstance(context.functional_graph.outputs, dict):
        return
    pairs = zip(
        context.functional_graph.output_names, context.functional_graph.output_tensors, strict=True
    )
    for name, tensor in pairs:
        if tensor.node is not None and tensor.node.name != name:
            text = f"Its layer is named {tensor.node.name!r}, like that of another output."
            yield Finding("C024", text, f"output {name!r}", tensor.node.location)
