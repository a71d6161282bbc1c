"""Picture: from a model's outline to boxes and edges; what is shown of each part.

The writers for SVG, PNG, HTML and dot all begin with what is made here.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.graphics.svg import text_width
from cornu.inspect.outline import Item, fill_from_graph, fold, list_tensors, outline
from cornu.inspect.plot.layout import PADDING, Box, Edge
from cornu.inspect.plot.symbolic_graph import Sketch, sketch, sketch_call
from cornu.layers.activations import Activation
from cornu.layers.input import InputLayer
from cornu.layers.rnn.bidirectional import Bidirectional
from cornu.layers.wrapper import Wrapper

__all__ = ["KINDS", "Options", "Part", "Picture", "picture"]

# What a box's colour says: the file of the layer's class -> kind.
_FILES = {
    "input": "input", "dense": "dense", "einsum_dense": "dense", "projected": "dense",
    "convolution": "conv", "pooling": "pooling", "normalization": "norm",
    "activations": "activation", "merging": "merge", "regularization": "noise",
    "rnn": "recurrent", "bidirectional": "wrapper", "time_distributed": "wrapper",
    "wrapper": "wrapper", "attention": "attention", "embedding": "embedding",
    "reshaping": "shape", "identity": "dense", "masking": "dense", "lambda_layer": "dense",
}  # fmt: skip

# Kind -> hue of its colour; None is grey.
KINDS: dict[str, int | None] = {
    "input": None, "dense": 214, "conv": 236, "pooling": 178, "norm": 38, "activation": 12,
    "merge": 280, "noise": 60, "recurrent": 145, "wrapper": 160, "attention": 322,
    "embedding": 98, "shape": 195, "model": 258, "block": 222, "op": None, "layer": 200,
}  # fmt: skip

TITLE, SMALL = 13.0, 11.0  # font sizes
TITLE_LINE, SMALL_LINE, CHIP_LINE = 18.0, 15.0, 18.0
EDGE, STRIPE = 11.0, 6.0  # room beside the words, and width of the coloured stripe
HEADING = 22.0


@dataclass(frozen=True)
class Options:
    """What is shown; the names are those of `plot_model`.

    `grouped` puts folded blocks into a frame of their own instead of showing only the first.
    """

    show_shapes: bool = False
    show_dtype: bool = False
    show_layer_names: bool = False
    rankdir: str = "TB"
    expand_nested: bool = False
    show_layer_activations: bool = False
    show_trainable: bool = False
    fold: bool = True
    depth: int | None = None
    grouped: bool = False


@dataclass(eq=False)
class Part:
    """What is shown in a box.

    Attributes:
        kind: what its colour says, a key of `KINDS`.
        title: the first line, or the heading of a frame.
        name: the second line, '' for none.
        chips: short words about it.
        tag: what is written at the beginning of its edges.
        count: how many equal blocks it stands for.
        ends: whether it makes an output of the model that nothing else uses.
        opened: whether a frame is shown open at first, where it can be opened and closed.
        items: the parts of the model that it stands for.
    """

    kind: str
    title: str
    name: str = ""
    chips: list[str] = field(default_factory=list)
    tag: str = ""
    count: int = 1
    ends: bool = False
    opened: bool = True
    items: list[Item] = field(default_factory=list)


@dataclass
class Picture:
    """The boxes of a model in their frames, and the edges between those without parts."""

    root: Box
    edges: list[Edge]
    options: Options
    name: str


def picture(model: Any, options: Options) -> Picture:
    """Returns what is to be drawn of a model.

    Raises:
        ValueError: the model was not built, so that nothing is known of its graph.
    """
    if model.functional_graph is None and not model.built:
        raise ValueError(
            f"{type(model).__name__} {model.name!r} has not been built, so there is nothing to "
            "draw yet: the shape of its input is not known.\n"
            "Give it an Input, call `build(input_shape)`, or call it on a batch of data."
        )
    painter = _Painter(model, options)
    return Picture(painter.root, painter.edges, options, model.name)


@dataclass(eq=False)
class _Scope:
    """A drawn model that is shown open: which box stands for which node."""

    drawing: Any
    boxes: dict[int, Box] = field(default_factory=dict)
    inputs: dict[int, Box] = field(default_factory=dict)
    inner: dict[int, _Scope] = field(default_factory=dict)  # by the id of a nested model's box
    members: dict[int, dict[int, int]] = field(default_factory=dict)  # node -> group -> member
    passed: dict[int, tuple[_Scope, Tensor]] = field(default_factory=dict)  # inputs from outside
    nodes: list[Node] = field(default_factory=list)


class _Painter:
    def __init__(self, model: Any, options: Options) -> None:
        self.options = options
        self.edges: list[Edge] = []
        self.groups = itertools.count()
        self.uses: Counter[int] = Counter()
        item = outline(model)
        self.root = Box(data=Part("model", model.name, items=[item]))
        scope = self._fill(self.root, item)
        if scope is not None:
            self._connect(scope)
            self._mark_ends(scope)
        for box in self.root.walk():
            if box is not self.root:
                self._measure(box)

    # ---------------------------------------------------------------------------------- boxes

    def _fill(self, frame: Box, item: Item, outer: _Scope | None = None) -> _Scope | None:
        """Makes the boxes of a model's parts; returns the scope of one that was drawn."""
        drawing = item.op.functional_graph
        if drawing is None:
            drawing = sketch(item.op) if item.node is None else sketch_call(item.node)
            if drawing is None:
                self._list(frame, item)
                return None
            fill_from_graph(item, drawing)
        scope = _Scope(drawing)
        items = item.children
        if isinstance(drawing, Sketch) and outer is not None and item.node is not None:
            # A layer's program has no inputs of its own: its edges come from outside.
            pairs = zip(drawing.input_tensors, item.node.inputs, strict=True)
            scope.passed = {id(inner): (outer, tensor) for inner, tensor in pairs}
            items = [child for child in items if child.kind != "input"]
        self.uses.update(id(node.op) for node in drawing.graph.nodes)
        self._add(frame, items, scope, 0)
        return scope

    def _list(self, frame: Box, item: Item) -> None:
        """Shows the layers of a model that was not drawn, one below the other."""
        for child in item.children:
            box = self._leaf(child)
            if child.kind == "model" and child.children and self._opens(child):
                inner = self._fill(box, child)
                if inner is not None:
                    self._connect(inner)
            frame.parts.append(box)
        for one, two in zip(frame.parts, frame.parts[1:], strict=False):
            first, second = list(one.walk())[-1], next(b for b in two.walk() if not b.parts)
            self.edges.append(Edge(first, second, drawn=False))

    def _opens(self, item: Item) -> bool:
        if not item.children or not (self.options.expand_nested or self.options.grouped):
            return False
        # What the library's own layers are made of (cells, inner layers) says little.
        return item.kind == "model" or not type(item.op).__module__.startswith("cornu.layers.")

    def _add(self, frame: Box, items: Sequence[Item], scope: _Scope, depth: int) -> None:
        for group in fold(items) if self.options.fold else ([item] for item in items):
            for members in [group] if len(group) > 1 and _alike(group) else [[i] for i in group]:
                self._add_group(frame, members, scope, depth)

    def _add_group(self, frame: Box, members: list[Item], scope: _Scope, depth: int) -> None:
        first = members[0]
        if first.kind != "block":
            self._add_item(frame, first, scope)
            return
        if len(members) > 1 and self.options.grouped:
            around = Box(data=_block(members, opened=False))
            around.data.tag = self._tag(members[-1])
            frame.parts.append(around)
            for item in members:
                self._add_block(around, [item], scope, depth)
            return
        self._add_block(frame, members, scope, depth)
        if len(members) > 1:
            group = next(self.groups)
            nodes = _nodes(first)
            for number, item in enumerate(members):
                for node, like in zip(_nodes(item), nodes, strict=True):
                    scope.members.setdefault(node.number, {})[group] = number
                    scope.boxes[node.number] = scope.boxes[like.number]
                    if number:
                        scope.nodes.append(node)

    def _add_block(self, frame: Box, members: list[Item], scope: _Scope, depth: int) -> None:
        item, limit = members[0], self.options.depth
        closed = limit is not None and depth >= limit
        box = Box(data=_block(members, opened=not closed))
        box.data.tag = self._tag(item)
        frame.parts.append(box)
        if closed and not self.options.grouped:
            for node in _nodes(item):
                scope.boxes[node.number] = box
                scope.nodes.append(node)
            count = len(_nodes(item))
            box.data.chips.append(f"{count} layer{'s' if count > 1 else ''}")
            return
        self._add(box, item.children, scope, depth + 1)

    def _add_item(self, frame: Box, item: Item, scope: _Scope) -> None:
        box = self._leaf(item)
        frame.parts.append(box)
        node = item.node
        if node is None:
            return
        if item.kind == "input":
            for tensor in scope.drawing.input_tensors:
                if tensor.node is node:
                    scope.inputs[id(tensor)] = box
            return
        scope.boxes[node.number] = box
        scope.nodes.append(node)
        if self._opens(item):
            inner = self._fill(box, item, scope)
            if inner is not None:
                scope.inner[id(box)] = inner
                box.data.opened = self.options.expand_nested
            else:
                box.parts.clear()  # its layers are known, their edges are not

    def _leaf(self, item: Item) -> Box:
        part = Part(_kind(item), _title(item), items=[item])
        if self.options.show_layer_names or item.kind == "model":
            part.name = item.name
        part.tag = self._tag(item)
        if isinstance(item.op, Layer):
            activation = _activation(item.op, self.options)
            part.chips += [activation] if activation else []
            if self.options.show_trainable and item.op.weights:
                part.chips.append("trainable" if item.op.trainable else "frozen")
        return Box(data=part)

    def _tag(self, item: Item) -> str:
        outputs = list_tensors(item.outputs)
        words = []
        if self.options.show_shapes:
            words.append(", ".join(str(t.shape) for t in outputs))
        if self.options.show_dtype:
            words.append(", ".join(dict.fromkeys(t.dtype for t in outputs)))
        return " ".join(words)

    # ---------------------------------------------------------------------------------- edges

    def _connect(self, scope: _Scope) -> None:
        drawn: set[tuple[int, int]] = set()
        for node in scope.nodes:
            target = scope.boxes[node.number]
            given = _given(node, scope.inner.get(id(target)))
            for position, tensor in given:
                source = _source(scope, tensor)
                if source is None or not self._apart(scope, tensor, node):
                    continue
                for end in _targets(scope, target, position):
                    if source is not end and (id(source), id(end)) not in drawn:
                        drawn.add((id(source), id(end)))
                        self.edges.append(Edge(source, end))
        for inner in scope.inner.values():
            self._connect(inner)

    def _apart(self, scope: _Scope, tensor: Tensor, node: Node) -> bool:
        """Tells whether an edge is more than the way from one folded block to the next."""
        if id(tensor) in scope.inputs or id(tensor) in scope.passed or tensor.node is None:
            return True
        one = scope.members.get(tensor.node.number, {})
        two = scope.members.get(node.number, {})
        return all(two.get(group, member) == member for group, member in one.items())

    def _mark_ends(self, scope: _Scope) -> None:
        sources = {id(edge.source) for edge in self.edges}
        for tensor in scope.drawing.output_tensors:
            box = _source(scope, tensor)
            if box is not None and id(box) not in sources:
                box.data.ends = True

    # ----------------------------------------------------------------------------------- sizes

    def _measure(self, box: Box) -> None:
        part = box.data
        if part.items and part.items[0].node is not None and self._shared(part.items[0]):
            part.chips.append("shared")
            part.name = part.name or part.items[0].name
        measure(box, self.options.rankdir)

    def _shared(self, item: Item) -> bool:
        return isinstance(item.op, Layer) and self.uses[id(item.op)] > 1 and bool(item.op.weights)


def measure(box: Box, rankdir: str) -> None:
    """Sets the size that a box needs for its words."""
    part = box.data
    chips = sum(text_width(chip, SMALL) + 16 for chip in part.chips)
    if box.parts:
        box.heading = HEADING
        if part.items[0].kind != "block":
            part.title, part.name = part.items[0].name, ""
        words = text_width(part.title, TITLE, True) + (
            text_width(part.name, SMALL) + 8 if part.name else 0
        )
        words += chips + 2 * PADDING
        box.width = 2 * words if rankdir in ("TB", "BT") else words  # edges come in at the middle
        return
    lines = [
        text_width(part.title, TITLE, True),
        text_width(part.name, SMALL),
        chips - 6 if chips else 0,
    ]
    box.width = max(64.0, max(lines) + 2 * EDGE + STRIPE)
    box.height = TITLE_LINE + 14 + (SMALL_LINE if part.name else 0) + (CHIP_LINE if chips else 0)
    if part.count > 1:
        box.tail = 6.0  # the sheets behind it
    if part.tag:
        words = text_width(part.tag, SMALL)
        upright = rankdir in ("TB", "BT")
        box.tail += 20.0 if upright else words + 14
        box.tail_width = 2 * (words + 12) if upright else 40.0


def _alike(group: list[Item]) -> bool:
    """Tells whether equal blocks may be shown as one: a chain, or all with the same inputs."""
    ins = []
    for item in group:
        own = {node.number for node in _nodes(item)}
        given = [t for node in _nodes(item) for t in node.inputs]
        ins.append({id(t): t for t in given if t.node is None or t.node.number not in own})
    if all(set(given) == set(ins[0]) for given in ins):
        return True
    for before, given in zip(group, ins[1:], strict=False):
        own = {node.number for node in _nodes(before)}
        if not any(t.node is not None and t.node.number in own for t in given.values()):
            return False
    return True


def _nodes(item: Item) -> list[Node]:
    """Returns the shown nodes in a block, those inside nested models not counted."""
    if item.kind != "block":
        return [item.node] if item.node is not None else []
    return [node for child in item.children for node in _nodes(child)]


def _block(members: list[Item], opened: bool) -> Part:
    item, count = members[0], len(members)
    title = f"{item.label} x{count}" if count > 1 else item.name
    return Part("block", title, count=count, opened=opened, items=members)


def _kind(item: Item) -> str:
    if item.kind != "layer":
        return item.kind
    if isinstance(item.op, Activation):
        return "activation"
    for cls in type(item.op).__mro__:
        if not cls.__module__.startswith("cornu.layers."):
            continue
        package, _, file = cls.__module__.removeprefix("cornu.layers.").partition(".")
        if (file or package) in _FILES or package in _FILES:
            return _FILES.get(file or package) or _FILES[package]
    return "layer"


def _title(item: Item) -> str:
    op = item.op
    if item.kind == "input" and not isinstance(op, InputLayer):
        return "Input"
    if isinstance(op, Bidirectional):
        return f"Bidirectional({type(op.forward_layer).__name__})"
    if isinstance(op, Wrapper):
        return f"{type(op).__name__}({type(op.layer).__name__})"
    return type(op).__name__ if isinstance(op, Layer) else op.name


def _activation(layer: Layer, options: Options) -> str:
    if not options.show_layer_activations and not isinstance(layer, Activation):
        return ""
    given = layer.get_config().get("activation") if not layer.is_model else None
    if isinstance(given, dict):
        inner = given.get("config")
        given = given.get("class_name") if isinstance(inner, dict) else inner
    return str(given) if given else ""


def _given(node: Node, inner: _Scope | None) -> list[tuple[int, Tensor]]:
    """Returns the Tensors that a node is called on, with the input of the model each is for."""
    if inner is None or isinstance(inner.drawing, Sketch):
        return list(enumerate(node.inputs))
    values = [*node.args, *node.kwargs.values()][0]
    matched = inner.drawing.match(values)
    return [(i, tensor) for i, tensor in enumerate(matched) if isinstance(tensor, Tensor)]


def _source(scope: _Scope, tensor: Tensor) -> Box | None:
    """Returns the box without parts that makes a Tensor; None for what is not shown."""
    if id(tensor) in scope.inputs:
        return scope.inputs[id(tensor)]
    if id(tensor) in scope.passed:
        return _source(*scope.passed[id(tensor)])
    if tensor.node is None:
        return None
    box = scope.boxes.get(tensor.node.number)
    if box is None or id(box) not in scope.inner:
        return box
    inner = scope.inner[id(box)]
    return _source(inner, inner.drawing.output_tensors[tensor.index])


def _targets(scope: _Scope, box: Box, position: int) -> list[Box]:
    inner = scope.inner.get(id(box))
    if inner is None:
        return [box]
    tensor = inner.drawing.input_tensors[position]
    return [inner.inputs[id(tensor)]] if id(tensor) in inner.inputs else []
