"""Block: a call of one of the user's functions, with the nodes that it created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cornu.core.graph.call_stack import UserCall
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.names import make_unique

__all__ = ["Block", "block_tree", "calls_around"]


class Block:
    """A call of a user's function, with its nodes and inner blocks.

    Attributes:
        name: the name of the function, with a suffix if it repeats within its parent.
        path: names from the outermost block, joined by '/'.
        function: the name of the function without suffix.
        location: `file:line` of the function.
        nodes: the nodes of the block and of its children, in order.
        children: inner blocks, in order.
        parts: its direct nodes and inner blocks, in the order of creation.
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
        """Whether the backward pass recomputes the values of the block, to save memory.

        The flag belongs to the call, and so to all copies of the graph.
        """
        return self._call.remat

    @remat.setter
    def remat(self, value: bool) -> None:
        self._call.remat = value

    def walk(self) -> list[Block]:
        """Returns this block and all inner blocks, outermost first."""
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
        """Yields the nodes inside, in the order of parts."""
        for part in self.parts:
            if isinstance(part, Block):
                yield from part.walk_nodes()
            else:
                yield part

    def __repr__(self) -> str:
        return f"<Block {self.path or '(model)'}: {len(self.nodes)} nodes>"


def calls_around(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> int:
    """Returns the number of calls that contain all nodes and Inputs; these are not blocks."""
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
    """Returns the root of the tree of blocks; calls that contain all nodes are not blocks."""
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
