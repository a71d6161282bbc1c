"""The outline of a model: the tree of models, blocks, layers and ops that the user wrote.

Summaries, plots, costs, profiles, statistics and lookups by name all use it, so they agree on
names, paths and order.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from cornu.core.graph.block import Block
from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.core.tracebacks.user_frames import format_location
from cornu.names import make_unique, printable
from cornu.types import PyTree

__all__ = ["Item", "fill_from_graph", "outline"]


ItemKind = Literal["model", "block", "input", "layer", "op"]


@dataclass(eq=False)
class Item:
    """A part of a model.

    Attributes:
        kind: "model", "block" (a call of one of the user's functions), "input", "layer" or "op".
        name: its name, unique in its model.
        path: names from the outermost block or model inside the root, joined by '/'.
        parent: the item around it; None for the root.
        op: the Layer (or model) or Op; None for a block.
        node: the node of its call; None for blocks, for the root, and for layers of a subclassed
            model or layer.
        block: the Block of the graph, for a block.
        again: whether the layer occurs earlier in the outline, where its weights are counted.
        children: the items in it, in the order of the graph.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> item = cornu.inspect.find_one(model, "head")
    >>> item.kind, item.name, item.path
    ('layer', 'head', 'head')
    """

    kind: ItemKind
    name: str
    path: str
    parent: Item | None = None
    op: Any = None
    node: Node | None = None
    block: Block | None = None
    again: bool = False
    children: list[Item] = field(default_factory=list)

    def walk(self) -> Iterator[Item]:
        """Yields this item and all items in it, outermost first."""
        yield self
        for child in self.children:
            yield from child.walk()

    @property
    def owners(self) -> list[Item]:
        """The models (and layers that own layers) around it, innermost first, the root last."""
        found, around = [], self.parent
        while around is not None:
            if around.block is None:
                found.append(around)
            around = around.parent
        return found

    @property
    def model(self) -> Any:
        """The innermost model (or layer that owns layers) around it, itself if it is the root."""
        return self.owners[0].op if self.parent is not None else self.op

    @property
    def depth(self) -> int:
        """The number of items around it, without the root."""
        return 0 if self.parent is None or self.parent.parent is None else self.parent.depth + 1

    @property
    def place(self) -> str:
        """The source location `file:line` of the call in the user's code, '' if unknown."""
        if self.block is not None:
            return self.block.location
        return self.node.location if self.node is not None else ""

    @property
    def label(self) -> str:
        """The class of a layer, the function of a block, or "op"."""
        if self.block is not None:
            return self.block.function
        return type(self.op).__name__ if isinstance(self.op, Layer) else "op"

    @property
    def nodes(self) -> list[Node]:
        """Its nodes, without those of nested models."""
        if self.block is not None:
            return self.block.nodes
        return [self.node] if self.node is not None else []

    @property
    def outputs(self) -> Any:
        """The Tensors that it returns, in their structure; None if unknown."""
        if self.node is not None:
            return self.node.outputs
        if self.block is not None:
            return self.block.nodes[-1].outputs
        return _recorded_outputs(self.op)

    @property
    def layers(self) -> list[Layer]:
        """Its layers, each once."""
        found = {id(node.op): node.op for node in self.nodes if isinstance(node.op, Layer)}
        if not found and isinstance(self.op, Layer):
            found = {id(self.op): self.op}
        return list(found.values())

    @property
    def weights(self) -> list[Any]:
        """The Variables of its layers, each once."""
        return list({id(v): v for layer in self.layers for v in layer.weights}.values())

    def __repr__(self) -> str:
        return f"<{self.kind} {printable(self.path or self.name)}>"


@api_boundary
def outline(model: Layer, nested: bool = True, masks: bool = False) -> Item:
    """Returns the outline of a model.

    Args:
        model: a model or layer. If it has no functional graph, the layers that it owns are listed.
        nested: whether the parts of nested models (and of layers that own layers) are included.
        masks: whether the nodes that compute masks are included.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> def block(x):
    ...     return layers.Dense(2)(x)
    >>> x = cornu.Input((2,), name="x")
    >>> model = cornu.Model(x, block(block(x)))
    >>> [item.path for item in outline(model).walk()][1:]
    ['x', 'block', 'block/dense', 'block_1', 'block_1/dense_1']
    """
    root = Item("model", model.name, "", op=model)
    _Outliner(nested, masks).fill(root, model)
    return root


def fill_from_graph(item: Item, graph: Any) -> None:
    """Replaces the children of an item by the parts of a graph."""
    item.children.clear()
    root = graph.graph.root
    place = format_location(inspect.unwrap(type(item.op).call).__code__)
    if (
        len(root.parts) == 1
        and isinstance(root.parts[0], Block)
        and root.parts[0].location == place
    ):
        root = root.parts[0]  # the block of `call` itself
    _Outliner(nested=True, masks=False).add_graph(item, graph, root)


class _Outliner:
    """Adds the children of items, outermost first."""

    def __init__(self, nested: bool, masks: bool) -> None:
        self.nested = nested
        self.masks = masks
        self.seen: set[int] = set()

    def fill(self, item: Item, model: Layer) -> None:
        graph = model._graph_
        if graph is None:
            self._add_owned_layers(item, model)
        else:
            self.add_graph(item, graph)

    def add_graph(self, item: Item, graph: Any, block: Block | None = None) -> None:
        names = graph.layer_names
        # Paths identify parts, so an op does not get the name of a layer.
        taken = dict.fromkeys(names.values(), 0)
        for tensor in graph.input_tensors:
            if tensor.node is not None:
                name = names.get(id(tensor.node.op), tensor.node.name)
                self._add(item, "input", name, tensor.node)
        self._block(item, block or graph.graph.root, names, taken)

    def _block(
        self, item: Item, block: Block, names: dict[int, str], taken: dict[str, int]
    ) -> None:
        for part in block.parts:
            if isinstance(part, Block):
                inner = Item("block", part.name, _join(item, part.name), item, block=part)
                self._block(inner, part, names, taken)
                if inner.children:
                    item.children.append(inner)
                continue
            if part.is_mask and not self.masks:
                continue
            name = names.get(id(part.op)) or make_unique(part.name, taken)
            self._add(item, _item_kind(part.op), name, part)

    def _add(self, around: Item, kind: ItemKind, name: str, node: Node) -> None:
        # Weights of a shared layer are counted where it occurs first.
        again = isinstance(node.op, Layer) and id(node.op) in self.seen
        item = Item(kind, name, _join(around, name), around, node.op, node, again=again)
        around.children.append(item)
        self.seen.add(id(node.op))
        if self.nested and not again and isinstance(node.op, Layer) and kind != "input":
            self.fill(item, node.op)

    def _add_owned_layers(self, item: Item, layer: Layer) -> None:
        taken: dict[str, int] = {}
        for inner in layer._sublayers_():
            if not isinstance(inner, Layer):
                continue
            name = make_unique(inner.name, taken)
            again = id(inner) in self.seen
            child = Item(_item_kind(inner), name, _join(item, name), item, inner, again=again)
            item.children.append(child)
            self.seen.add(id(inner))
            if self.nested and not again:
                self.fill(child, inner)


def _join(around: Item, name: str) -> str:
    return f"{around.path}/{name}" if around.path else name


def _item_kind(op: Layer | Op) -> ItemKind:
    if not isinstance(op, Layer):
        return "op"
    return "model" if op._is_model_ else "layer"


def _recorded_outputs(op: Any) -> Any:
    if not isinstance(op, Layer):
        return None
    if op._graph_ is not None:
        return op._graph_.outputs
    nodes = [node for node in (ref() for ref in op._nodes_) if node is not None]
    return nodes[0].outputs if nodes else None


def list_tensors(structure: PyTree) -> list[Tensor]:
    """Returns the Tensors in nested lists, tuples and dicts."""
    if isinstance(structure, Tensor):
        return [structure]
    if isinstance(structure, dict):
        return [t for item in structure.values() for t in list_tensors(item)]
    if isinstance(structure, (list, tuple)):
        return [t for item in structure for t in list_tensors(item)]
    return []
