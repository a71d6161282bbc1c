"""Graph: the nodes between some inputs and outputs, in order, with the blocks they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from cornu.core.blocks import Call
from cornu.core.border import placed
from cornu.core.tensor import Node, Tensor, shape_of
from cornu.names import unique

__all__ = ["Block", "Graph"]


class Block:
    """A user's function call with the nodes and inner blocks that it made.

    Attributes:
        name: the function's name, numbered where it repeats within its parent.
        path: names from the outermost block, joined by '/'.
        function: the function's name without number.
        place: `file:line` of the function.
        nodes: the nodes made in it directly or in its children, in order.
        children: inner blocks, in order.
        parts: nodes made directly and inner blocks, in the order of the drawing.
    """

    __slots__ = ("children", "function", "name", "nodes", "parts", "path", "place")

    def __init__(self, name: str, path: str, function: str, place: str) -> None:
        self.name = name
        self.path = path
        self.function = function
        self.place = place
        self.nodes: list[Node] = []
        self.children: list[Block] = []
        self.parts: list[Node | Block] = []

    def walk(self) -> list[Block]:
        """Returns this block and all inside, outermost first."""
        found = [self]
        for child in self.children:
            found += child.walk()
        return found

    def __repr__(self) -> str:
        return f"<Block {self.path or '(model)'}: {len(self.nodes)} nodes>"


class Graph:
    """What is computed from `inputs` to get `outputs`.

    Args:
        inputs: Tensors, in a list.
        outputs: Tensors, in a list.

    Raises:
        ValueError: an output cannot be reached from the inputs alone.
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.nodes = _reachable(self.inputs, self.outputs)
        self._root: Block | None = None
        self._paths: dict[int, str] = {}

    @property
    def root(self) -> Block:
        """The tree of the user's function calls over the nodes."""
        if self._root is None:
            self._root = _block_tree(self.nodes, self.inputs)
        return self._root

    def path(self, node: Node) -> str:
        """Returns the block path of a node, '' for one that was made in no inner function."""
        if not self._paths:
            for block in self.root.walk():  # outermost first, so that the innermost is what stays
                self._paths.update((inner.number, block.path) for inner in block.nodes)
        return self._paths.get(node.number, "")

    def run(self, values: Sequence[Any], masks: Sequence[Any] | None = None) -> list[Any]:
        """Computes the outputs from arrays for the inputs.

        Args:
            values: an array for each input.
            masks: given when inputs carry masks that were not there when the graph was drawn;
                then layers look masks up by array instead of following the drawn edges alone.
        """
        known: dict[int, Any] = {id(t): v for t, v in zip(self.inputs, values, strict=True)}
        for node in self.nodes:
            args, kwargs = node.fill([known[id(t)] for t in node.inputs])
            try:
                with jax.named_scope(node.name):
                    if masks is None:
                        result = node.op.run(args, kwargs)
                    else:
                        result = node.op(*args, **kwargs)
            except Exception as error:
                shapes = ", ".join(shape_of(known[id(t)]) for t in node.inputs)
                path = self.path(node)
                where = f"{path.replace('/', ' > ')} > {node.name}" if path else node.name
                new = placed(error, f"In {where} (drawn at {node.place}), inputs of shape {shapes}")
                if new is error:
                    raise
                raise new from error
            outputs = node.output_tensors
            if len(outputs) == 1 and outputs[0] is node.outputs:
                known[id(node.outputs)] = result
            else:
                leaves = jax.tree_util.tree_leaves(result)
                for tensor, value in zip(outputs, leaves, strict=True):
                    known[id(tensor)] = value
        return [known[id(t)] for t in self.outputs]


def _reachable(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[Node, ...]:
    given = {id(t) for t in inputs}
    nodes: dict[int, Node] = {}
    todo = list(outputs)
    while todo:
        tensor = todo.pop()
        if id(tensor) in given:
            continue
        node = tensor.node
        if node is None or not node.inputs:
            made = f"Input {node.name!r} ({node.place})" if node else repr(tensor)
            raise ValueError(
                f"Graph disconnected: the outputs depend on {made}, which is not among the "
                f"model's inputs.\nInputs given: {[t.name for t in inputs]}. "
                "Add it to `inputs`, or begin the outputs from the given inputs."
            )
        if node.number not in nodes:
            nodes[node.number] = node
            todo.extend(node.inputs)
    return tuple(nodes[number] for number in sorted(nodes))


def _block_tree(nodes: Sequence[Node], inputs: Sequence[Tensor]) -> Block:
    """Builds the tree of blocks; calls around all nodes and inputs are no blocks of the model."""
    chains = [node.call.chain() if node.call else [] for node in nodes]
    starts = [t.node.call.chain() for t in inputs if t.node is not None and t.node.call]
    everything = [*chains, *starts] if starts else chains
    shared = min((len(chain) for chain in everything), default=0)
    for chain in everything:
        while shared and chain[shared - 1] is not everything[0][shared - 1]:
            shared -= 1
    root = Block("", "", "", "")
    blocks: dict[int, Block] = {}
    taken: dict[int, set[str]] = {}
    for node, chain in zip(nodes, chains, strict=True):
        block = root
        block.nodes.append(node)
        for call in chain[shared:]:
            inner = blocks.get(id(call))
            if inner is None:
                inner = blocks[id(call)] = _inner(block, call, taken.setdefault(id(block), set()))
                block.children.append(inner)
                block.parts.append(inner)
            block = inner
            block.nodes.append(node)
        block.parts.append(node)
    return root


def _inner(parent: Block, call: Call, taken: set[str]) -> Block:
    name = unique(call.name, taken)
    path = f"{parent.path}/{name}" if parent.path else name
    return Block(name, path, call.name, f"{call.file}:{call.line}")
