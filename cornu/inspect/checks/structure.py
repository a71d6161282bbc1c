"""Checks of the drawing: masks, batch normalization, outputs that train nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.layer.walk import nested_layers
from cornu.inspect.checks.context import CheckContext, GraphCall, path_of_node
from cornu.inspect.checks.report import Finding
from cornu.layers import BatchNormalization

__all__ = ["check_masks", "check_names", "check_normalization", "check_outputs", "check_paths"]


def check_masks(view: CheckContext) -> Iterator[Finding]:
    """Layers and ops that get a masked input and give one without."""
    steps = view.calls()
    users = [step for step in steps if isinstance(step.op, Layer) and _uses_mask(step.op)]
    for step in steps:
        node = step.node
        masked = [t for t in node.inputs if t.mask is not None]
        if not masked or any(t.mask is not None for t in node.output_tensors):
            continue
        if isinstance(node.op, Layer):
            if not node.op.supports_masking and not _uses_mask(node.op):
                text = f"{type(node.op).__name__} does not support masking."
                yield Finding("C022", text, step.path, step.place, said=True)
        elif node.name not in _MASKLESS and _same_steps(masked[0], node):
            after = _first_after(node, users)
            if after is not None:
                text = f"The op {node.name!r} passes none on, and {after.path} would use it."
                yield Finding("C022", text, step.path, step.place)


# Ops that end the sequence, or that make masks.
_MASKLESS = frozenset("compute_mask not_equal equal any all shape".split())


def _uses_mask(layer: Layer) -> bool:
    return call_signature(type(layer)).mask


def _same_steps(masked: Tensor, node: Node) -> bool:
    """Whether an op's output still has the batch and time axes of its masked input."""
    shape = node.output_tensors[0].shape
    return len(shape) >= 3 and shape[:2] == masked.shape[:2]


def _first_after(node: Node, users: list[GraphCall]) -> GraphCall | None:
    """Returns the first layer behind a node that would take a mask and gets none."""
    reached = {id(t) for t in node.output_tensors}
    for step in users:
        todo, seen = list(step.node.inputs), set()
        if any(t.mask is not None for t in todo):
            continue
        while todo:
            tensor = todo.pop()
            if id(tensor) in reached:
                return step
            if id(tensor) in seen or tensor.node is None:
                continue
            seen.add(id(tensor))
            todo.extend(tensor.node.inputs)
    return None


def check_normalization(view: CheckContext) -> Iterator[Finding]:
    """Batch normalization: frozen without statistics, under frozen layers, of single rows."""
    trains = bool(view.model.trainable_variables)
    for step in view.calls():
        layer = step.op
        if not isinstance(layer, BatchNormalization) or not layer.built:
            continue
        before = _weighted_before(step.node)
        if not layer.trainable:
            if trains and _unlearned(layer):
                mild = "" if any(inner.trainable for inner in before) else "info"
                yield Finding("C030", "Mean 0, variance 1.", step.path, step.place, mild)
            elif trains:
                yield Finding("C033", "It uses its averages.", step.path, step.place)
            continue
        if before and all(not inner.trainable for inner in before):
            text = f"{before[0].name} before it is frozen."
            yield Finding("C031", text, step.path, step.place)
        shape = step.node.inputs[0].shape
        others = [s for i, s in enumerate(shape[1:], 1) if i != layer.axis % len(shape)]
        if view.batch_size == 1 and all(size == 1 for size in others):
            yield Finding("C032", "batch_size is 1.", step.path, step.place)


def _unlearned(layer: BatchNormalization) -> bool:
    return not np.any(layer.moving_mean.numpy()) and bool(
        np.all(layer.moving_variance.numpy() == 1)
    )


def _weighted_before(node: Node) -> list[Layer]:
    """Returns the nearest layers with weights that a node's inputs come from."""
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


def check_outputs(view: CheckContext) -> Iterator[Finding]:
    """Outputs without a loss, with layers that lead only to them."""
    if view.drawing is None or all(head.loss is None for head in view.heads):
        return
    useful = _ancestors([head.tensor for head in view.heads if head.loss is not None])
    for head in view.heads:
        if head.loss is not None:
            continue
        alone = [
            node
            for node in _ancestors([head.tensor]).values()
            if isinstance(node.op, Layer) and id(node.op) not in {id(n.op) for n in useful.values()}
        ]
        weighted = [node for node in alone if node.op.trainable_variables]
        if weighted:
            drawing = view.drawing
            names = [path_of_node(drawing, node) for node in weighted]
            listed = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            text = f"{listed} lead{'' if len(names) > 1 else 's'} nowhere else."
            place = head.tensor.node.location if head.tensor.node else ""
            severity = "info" if head.given else ""
            yield Finding("C020", text, f"output {head.name!r}", place, severity)


def check_paths(view: CheckContext) -> Iterator[Finding]:
    """Layers whose every way to a loss leads through something that has no gradient."""
    heads = [head.tensor for head in view.heads if head.loss is not None]
    if view.drawing is None or not heads or any(map(_may_add_losses, nested_layers(view.model))):
        return
    reached = {id(node.op) for node in _ancestors(heads, smooth=True).values()}
    for node in _ancestors(heads).values():
        layer = node.op
        if id(layer) in reached or not isinstance(layer, Layer):
            continue
        trained = layer.trainable_variables
        if trained and all(v.regularizer is None for v in trained):
            cut = next(n for n in _after(node, view.drawing.graph.nodes) if not _is_smooth(n))
            text = f"Everything after it goes through {cut.name!r} ({cut.location})."
            yield Finding("C021", text, path_of_node(view.drawing, node), node.location)


# Ops that are constant almost everywhere. stop_gradient is not among them: who writes it, means it.
_FLAT = frozenset(
    "argmax argmin argsort sign round floor ceil trunc equal not_equal less less_equal greater "
    "greater_equal logical_not logical_and logical_or one_hot isfinite isnan digitize".split()
)


def _is_smooth(node: Node) -> bool:
    if all(t.dtype.startswith(("int", "uint", "bool")) for t in node.output_tensors):
        return False
    return isinstance(node.op, Layer) or node.name not in _FLAT


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
    """Returns the nodes before some Tensors; with `smooth`, those that a gradient reaches."""
    found: dict[int, Node] = {}
    todo = list(tensors)
    while todo:
        node = todo.pop().node
        if node is None or node.number in found or (smooth and not _is_smooth(node)):
            continue
        found[node.number] = node
        todo.extend(node.inputs)
    return found


def check_names(view: CheckContext) -> Iterator[Finding]:
    """Output names that were numbered because two are equal."""
    if view.drawing is None or isinstance(view.drawing.outputs, dict):
        return
    pairs = zip(view.drawing.output_names, view.drawing.output_tensors, strict=True)
    for name, tensor in pairs:
        if tensor.node is not None and tensor.node.name != name:
            text = f"It comes from {tensor.node.name!r}, as another output does."
            yield Finding("C024", text, f"output {name!r}", tensor.node.location)
