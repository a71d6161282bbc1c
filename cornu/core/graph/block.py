"""Block: a call of one of the user's functions, with the nodes that it made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cornu.core.graph.call_stack import UserCall
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.names import make_unique

__all__ = ["Block", "block_tree", "calls_around"]


class Block:
    """A user's function call with the nodes and inner blocks that it made.

    Attributes:
        name: the function's name, numbered where it repeats within its parent.
        path: names from the outermost block, joined by '/'.
        function: the function's name without number.
        location: `file:line` of the function.
        nodes: the nodes made in it directly or in its children, in order.
        children: inner blocks, in order.
        parts: nodes made directly and inner blocks, in the order of the drawing.
    """

    __slots__ = ("_call", "children", "function", "name", "nodes", "parts", "path", "location")

    def __init__(self, name: str, path: str, call: UserCall) -> None:
        self._call = call
        self.name = name
        self.path = path
        self.function = call.name
        self.location = call.location
        self.nodes: list[Node] = []
        self.children: list[Block] = []
        self.parts: list[Node | Block] = []

    @property
    def remat(self) -> bool:
        """Whether what it computes is computed again for the gradient, to save memory.

        It belongs to the call, and so to all graphs that are drawn again from this one.
        """
        return self._call.remat

    @remat.setter
    def remat(self, value: bool) -> None:
        self._call.remat = value

    def walk(self) -> list[Block]:
        """Returns this block and all inside, outermost first."""
        found = [self]
        for child in self.children:
            found += child.walk()
        return found

    @property
    def weights(self) -> list[Any]:
        """The Variables of the layers inside, each once."""
        layers = (node.op for node in self.nodes if isinstance(node.op, Layer))
        return list({id(v): v for layer in layers for v in layer.weights}.values())

    def count_params(self) -> int:
        """Returns the number of elements in all weights of the layers inside."""
        return sum(v.size for v in self.weights)

    def walk_nodes(self) -> Iterator[Node]:
        """Yields the nodes inside, part by part."""
        for part in self.parts:
            if isinstance(part, Block):
                yield from part.walk_nodes()
            else:
                yield part

    def __repr__(self) -> str:
        return f"<Block {self.path or '(model)'}: {len(self.nodes)} nodes>"


def calls_around(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> int:
    """Returns how many calls are around all nodes and Inputs: they are no blocks of the model."""
    made = [t.node for t in inputs if t.node is not None and not t.node.inputs]
    chains = [_chain(node) for node in (*nodes, *made)]
    shared = min((len(chain) for chain in chains), default=0)
    for chain in chains:
        while shared and chain[shared - 1] is not chains[0][shared - 1]:
            shared -= 1
    return shared


def _chain(node: Node) -> list[UserCall]:
    return node.call.chain() if node.call else []


def block_tree(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> Block:
    """Builds the tree of blocks; calls around all nodes and inputs are no blocks of the model."""
    chains = [_chain(node) for node in nodes]
    shared = calls_around(nodes, inputs)
    root = Block("", "", UserCall("", None))
    blocks: dict[int, Block] = {}
    taken: dict[int, dict[str, int]] = {}
    for node, chain in zip(nodes, chains, strict=True):
        block = root
        block.nodes.append(node)
        for call in chain[shared:]:
            inner = blocks.get(id(call))
            if inner is None:
                inner = blocks[id(call)] = _inner(block, call, taken.setdefault(id(block), {}))
                block.children.append(inner)
                block.parts.append(inner)
            block = inner
            block.nodes.append(node)
        block.parts.append(node)
    return root


def _inner(parent: Block, call: UserCall, taken: dict[str, int]) -> Block:
    name = make_unique(call.name, taken)
    path = f"{parent.path}/{name}" if parent.path else name
    return Block(name, path, call)
