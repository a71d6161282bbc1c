"""Block: a call of a function of the user, with the nodes that it created."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from cornu.core.graph.call_stack import UserCall
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.errors import quantity
from cornu.names import make_unique, printable

__all__ = ["Block", "block_tree", "calls_around"]


class Block:
    """A call of a function of the user, with its nodes and inner blocks.

    Attributes:
        name: the name of the function, with a numeric suffix if it repeats within its parent.
        path: the names from the outermost block to this one, joined by '/'.
        function: the name of the function without suffix.
        location: the `file:line` of the function.
        nodes: the nodes of the block and of its children, in the order of creation.
        children: the inner blocks, in the order of creation.
        parts: the direct nodes and the inner blocks, in the order of creation.
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
        """Whether the backward pass recomputes the values of the block instead of storing them.

        The flag is an attribute of the call, which all copies of the graph share.
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
        """The Variables of the layers in the block, each once."""
        layers = (node.op for node in self.nodes if isinstance(node.op, Layer))
        return list({id(v): v for layer in layers for v in layer.weights}.values())

    def count_params(self) -> int:
        """Returns the total number of elements of the weights in the block."""
        return sum(v.size for v in self.weights)

    def walk_nodes(self) -> Iterator[Node]:
        """Yields the nodes of the block in the order of `parts`."""
        for part in self.parts:
            if isinstance(part, Block):
                yield from part.walk_nodes()
            else:
                yield part

    def __repr__(self) -> str:
        return f"<Block {printable(self.path) or '(model)'}: {quantity(len(self.nodes), 'node')}>"


def calls_around(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> int:
    """Returns the number of outer calls that contain all nodes and Inputs.

    These are not blocks, for example a `build_model` function that creates the whole model.
    """
    input_nodes = [t.node for t in inputs if t.node is not None and not t.node.inputs]
    chains = [_chain(node) for node in (*nodes, *input_nodes)]
    shared = min((len(chain) for chain in chains), default=0)
    for chain in chains:
        # A call has one parent: if two chains share a call, they share all calls around it.
        while shared and chain[shared - 1] is not chains[0][shared - 1]:
            shared -= 1
    return shared


def _chain(node: Node) -> list[UserCall]:
    return node.call.chain() if node.call else []


def block_tree(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> Block:
    """Returns the root of the tree of blocks, which has no name and contains all nodes."""
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
                inner = blocks[id(call)] = _inner_block(
                    block, call, taken.setdefault(id(block), {})
                )
                block.children.append(inner)
                block.parts.append(inner)
            block = inner
            block.nodes.append(node)
        block.parts.append(node)
    return root


def _inner_block(parent: Block, call: UserCall, taken: dict[str, int]) -> Block:
    name = make_unique(call.name, taken)
    path = f"{parent.path}/{name}" if parent.path else name
    return Block(name, path, call)
