"""The diagram of a model: boxes and edges, made from its outline.

The writers for SVG, PNG, HTML and dot all start from a `Diagram`.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.inspect.folding import fold
from cornu.inspect.outline import Item, fill_from_graph, list_tensors, outline
from cornu.inspect.plot.box_content import (
    BoxContent,
    PlotOptions,
    describe_block,
    format_activation,
    format_title,
    set_box_size,
)
from cornu.inspect.plot.layer_families import find_family
from cornu.inspect.plot.layout import Box, Edge
from cornu.inspect.plot.symbolic_graph import SymbolicGraph, trace_node, trace_subclassed
from cornu.names import printable

__all__ = ["Diagram", "build_diagram"]


@dataclass
class Diagram:
    """The boxes of a model in their frames, and the edges between boxes without parts."""

    root: Box
    edges: list[Edge]
    options: PlotOptions
    name: str


def build_diagram(model: Layer, options: PlotOptions) -> Diagram:
    """Returns the diagram of a model.

    Raises:
        ValueError: the model is not built, so its graph is unknown.
    """
    if model._graph_ is None and not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} is not built, so it cannot be "
            "plotted: the shape of its input is unknown.\n"
            "Give it an Input, call `build(input_shape)`, or call it on a batch of data."
        )
    builder = _DiagramBuilder(model, options)
    return Diagram(builder.root, builder.edges, options, printable(model.name))


@dataclass(eq=False)
class _OpenModel:
    """A model whose contents are shown: the box of each node, and where its edges come from.

    Attributes:
        functional_graph: the graph of the model.
        boxes: the box of a node, by the node's number.
        inputs: the box of an input, by the id of its Tensor.
        inner: nested models whose contents are shown, by the id of their box.
        members: for a node in folded blocks, its position in each group of equal blocks.
        outside: for an input without a box, the surrounding model and the Tensor passed in.
        nodes: all nodes that have a box.
    """

    functional_graph: Any
    boxes: dict[int, Box] = field(default_factory=dict)
    inputs: dict[int, Box] = field(default_factory=dict)
    inner: dict[int, _OpenModel] = field(default_factory=dict)
    members: dict[int, dict[int, int]] = field(default_factory=dict)
    outside: dict[int, tuple[_OpenModel, Tensor]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)


class _DiagramBuilder:
    def __init__(self, model: Any, options: PlotOptions) -> None:
        self.options = options
        self.edges: list[Edge] = []
        self.groups = itertools.count()
        self.uses: Counter[int] = Counter()
        item = outline(model)
        self.root = Box(data=BoxContent("model", model.name, items=[item]))
        opened = self._fill(self.root, item)
        if opened is not None:
            self._connect(opened)
            self._mark_ends(opened)
        # Sizes come last: whether a layer is shared is known after all graphs are traversed.
        for box in self.root.walk():
            if box is not self.root:
                self._measure(box)

    # ---------------------------------------------------------------------------------- boxes

    def _fill(self, frame: Box, item: Item, outer: _OpenModel | None = None) -> _OpenModel | None:
        """Adds the boxes of a model's parts; returns None for a model without a graph."""
        found = item.op._graph_
        if found is None:
            found = trace_subclassed(item.op) if item.node is None else trace_node(item.node)
            if found is None:
                self._list(frame, item)
                return None
            fill_from_graph(item, found)
        opened = _OpenModel(found)
        items = item.children
        if isinstance(found, SymbolicGraph) and outer is not None and item.node is not None:
            # A subclassed model has no Input layers: its edges come from the surrounding model.
            pairs = zip(found.input_tensors, item.node.inputs, strict=True)
            opened.outside = {id(inner): (outer, tensor) for inner, tensor in pairs}
            items = [child for child in items if child.kind != "input"]
        self.uses.update(id(node.op) for node in found.graph.nodes)
        self._add(frame, items, opened, 0)
        return opened

    def _list(self, frame: Box, item: Item) -> None:
        """Adds the layers of a model without a graph, one below the other."""
        for child in item.children:
            box = self._leaf(child)
            if child.kind == "model" and child.children and self._opens(child):
                inner = self._fill(box, child)
                if inner is not None:
                    self._connect(inner)
            frame.parts.append(box)
        for one, two in zip(frame.parts, frame.parts[1:], strict=False):
            first, second = list(one.walk())[-1], next(b for b in two.walk() if not b.parts)
            self.edges.append(Edge(first, second, visible=False))

    def _opens(self, item: Item) -> bool:
        if not item.children or not (self.options.expand_nested or self.options.grouped):
            return False
        # The inner layers of the library's own layers (cells, projections) are a detail.
        return item.kind == "model" or not type(item.op).__module__.startswith("cornu.layers.")

    def _add(self, frame: Box, items: Sequence[Item], opened: _OpenModel, depth: int) -> None:
        for group in fold(items) if self.options.fold else ([item] for item in items):
            for members in [group] if len(group) > 1 and _can_fold(group) else [[i] for i in group]:
                self._add_group(frame, members, opened, depth)

    def _add_group(self, frame: Box, members: list[Item], opened: _OpenModel, depth: int) -> None:
        first = members[0]
        if first.kind != "block":
            self._add_item(frame, first, opened)
            return
        if len(members) > 1 and self.options.grouped:
            group_frame = Box(data=describe_block(members, opened=False))
            group_frame.data.tag = self._tag(members[-1])
            frame.parts.append(group_frame)
            for item in members:
                self._add_block(group_frame, [item], opened, depth)
            return
        self._add_block(frame, members, opened, depth)
        if len(members) > 1:
            group = next(self.groups)
            nodes = _list_nodes(first)
            for number, item in enumerate(members):
                for node, like in zip(_list_nodes(item), nodes, strict=True):
                    opened.members.setdefault(node.number, {})[group] = number
                    opened.boxes[node.number] = opened.boxes[like.number]
                    if number:
                        opened.nodes.append(node)

    def _add_block(self, frame: Box, members: list[Item], opened: _OpenModel, depth: int) -> None:
        item, limit = members[0], self.options.depth
        closed = limit is not None and depth >= limit
        box = Box(data=describe_block(members, opened=not closed))
        box.data.tag = self._tag(item)
        frame.parts.append(box)
        if closed and not self.options.grouped:
            for node in _list_nodes(item):
                opened.boxes[node.number] = box
                opened.nodes.append(node)
            count = len(_list_nodes(item))
            box.data.chips.append(f"{count} layer{'s' if count > 1 else ''}")
            return
        self._add(box, item.children, opened, depth + 1)

    def _add_item(self, frame: Box, item: Item, opened: _OpenModel) -> None:
        box = self._leaf(item)
        frame.parts.append(box)
        node = item.node
        if node is None:
            return
        if item.kind == "input":
            for tensor in opened.functional_graph.input_tensors:
                if tensor.node is node:
                    opened.inputs[id(tensor)] = box
            return
        opened.boxes[node.number] = box
        opened.nodes.append(node)
        if self._opens(item):
            inner = self._fill(box, item, opened)
            if inner is not None:
                opened.inner[id(box)] = inner
                box.data.opened = self.options.expand_nested
            else:
                box.parts.clear()  # the layers are known, the edges between them are not

    def _leaf(self, item: Item) -> Box:
        part = BoxContent(find_family(item), format_title(item), items=[item])
        if self.options.show_layer_names or item.kind == "model":
            part.name = item.name
        part.tag = self._tag(item)
        if isinstance(item.op, Layer):
            activation = format_activation(item.op, self.options)
            part.chips += [activation] if activation else []
            if self.options.show_trainable and item.op.weights:
                part.chips.append("trainable" if item.op.trainable else "frozen")
        return Box(data=part)

    def _tag(self, item: Item) -> str:
        outputs = list_tensors(item.outputs)
        texts = []
        if self.options.show_shapes:
            texts.append(", ".join(str(t.shape) for t in outputs))
        if self.options.show_dtype:
            texts.append(", ".join(dict.fromkeys(t.dtype for t in outputs)))
        return " ".join(texts)

    # ---------------------------------------------------------------------------------- edges

    def _connect(self, opened: _OpenModel) -> None:
        added: set[tuple[int, int]] = set()
        for node in opened.nodes:
            target = opened.boxes[node.number]
            given = _list_inputs(node, opened.inner.get(id(target)))
            for position, tensor in given:
                source = _find_source(opened, tensor)
                if source is None or not self._is_shown_edge(opened, tensor, node):
                    continue
                for end in _find_targets(opened, target, position):
                    if source is not end and (id(source), id(end)) not in added:
                        added.add((id(source), id(end)))
                        self.edges.append(Edge(source, end))
        for inner in opened.inner.values():
            self._connect(inner)

    def _is_shown_edge(self, opened: _OpenModel, tensor: Tensor, node: Node) -> bool:
        """Returns whether an edge is shown: not if it only joins two blocks folded into one."""
        if id(tensor) in opened.inputs or id(tensor) in opened.outside or tensor.node is None:
            return True
        one = opened.members.get(tensor.node.number, {})
        two = opened.members.get(node.number, {})
        return all(two.get(group, member) == member for group, member in one.items())

    def _mark_ends(self, opened: _OpenModel) -> None:
        sources = {id(edge.source) for edge in self.edges}
        for tensor in opened.functional_graph.output_tensors:
            box = _find_source(opened, tensor)
            if box is not None and id(box) not in sources:
                box.data.ends = True

    # ----------------------------------------------------------------------------------- sizes

    def _measure(self, box: Box) -> None:
        part = box.data
        if part.items and part.items[0].node is not None and self._shared(part.items[0]):
            part.chips.append("shared")
            part.name = part.name or part.items[0].name
        set_box_size(box, self.options.rankdir)

    def _shared(self, item: Item) -> bool:
        return isinstance(item.op, Layer) and self.uses[id(item.op)] > 1 and bool(item.op.weights)


def _can_fold(group: list[Item]) -> bool:
    """Returns whether equal blocks can be shown as one: a chain, or all with the same inputs."""
    ins: list[dict[int, Tensor]] = []
    for item in group:
        own = {node.number for node in _list_nodes(item)}
        used = [t for node in _list_nodes(item) for t in node.inputs]
        ins.append({id(t): t for t in used if t.node is None or t.node.number not in own})
    if all(set(given) == set(ins[0]) for given in ins):
        return True
    for before, given in zip(group, ins[1:], strict=False):
        own = {node.number for node in _list_nodes(before)}
        if not any(t.node is not None and t.node.number in own for t in given.values()):
            return False
    return True


def _list_nodes(item: Item) -> list[Node]:
    """Returns the nodes of a block, without those inside nested models."""
    if item.kind != "block":
        return [item.node] if item.node is not None else []
    return [node for child in item.children for node in _list_nodes(child)]


def _list_inputs(node: Node, inner: _OpenModel | None) -> list[tuple[int, Tensor]]:
    """Returns the Tensors that a node is called on, with the position of the model input."""
    if inner is None or isinstance(inner.functional_graph, SymbolicGraph):
        return list(enumerate(node.inputs))
    values = [*node.args, *node.kwargs.values()][0]
    matched = inner.functional_graph.match(values)
    return [(i, tensor) for i, tensor in enumerate(matched) if isinstance(tensor, Tensor)]


def _find_source(opened: _OpenModel, tensor: Tensor) -> Box | None:
    """Returns the box without parts that computes a Tensor; None if it is not shown."""
    if id(tensor) in opened.inputs:
        return opened.inputs[id(tensor)]
    if id(tensor) in opened.outside:
        return _find_source(*opened.outside[id(tensor)])
    if tensor.node is None:
        return None
    box = opened.boxes.get(tensor.node.number)
    if box is None or id(box) not in opened.inner:
        return box
    inner = opened.inner[id(box)]
    return _find_source(inner, inner.functional_graph.output_tensors[tensor.index])


def _find_targets(opened: _OpenModel, box: Box, position: int) -> list[Box]:
    inner = opened.inner.get(id(box))
    if inner is None:
        return [box]
    tensor = inner.functional_graph.input_tensors[position]
    return [inner.inputs[id(tensor)]] if id(tensor) in inner.inputs else []
