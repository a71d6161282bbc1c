"""Graph: the nodes between inputs and outputs, in topological order, and their blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.core.graph.block import Block, block_tree
from cornu.core.graph.execution import run_graph
from cornu.core.graph.tensor import Node, Tensor

__all__ = ["Graph", "is_reachable"]


class Graph:
    """The computation of `outputs` from `inputs`.

    Args:
        inputs: Tensors.
        outputs: Tensors.

    Raises:
        ValueError: an output cannot be reached from the inputs alone.
    """

    def __init__(self, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
        self.inputs = tuple(inputs)
        self.outputs = tuple(outputs)
        self.nodes = _find_nodes(self.inputs, self.outputs)
        self._masks = _find_masks(self.nodes, self.inputs)
        if self._masks:
            masks = [mask for pairs in self._masks.values() for _, mask in pairs]
            self.nodes = _find_nodes(self.inputs, [*self.outputs, *masks])
        self._root: Block | None = None
        self._paths: dict[int, str] = {}
        self._parts: Sequence[Node | Block] | None = None

    @property
    def root(self) -> Block:
        """The root of the tree of blocks."""
        if self._root is None:
            self._root = block_tree(self.nodes, self.inputs)
        return self._root

    @property
    def parts(self) -> Sequence[Node | Block]:
        """Blocks and nodes in an order in which they can be computed.

        These are the parts of the root. If the nodes of two blocks were created alternately, a
        block may depend on nodes after it; then they are the nodes of the graph.
        """
        if self._parts is None:
            numbers = [node.number for node in self.root.walk_nodes()]
            self._parts = self.root.parts if numbers == sorted(numbers) else self.nodes
        return self._parts

    def boundary(self, nodes: Sequence[Node]) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the inputs and outputs of a part of the graph.

        Returns:
            The Tensors that `nodes` use but do not compute, and those that they compute and that
            other nodes use or the graph returns.
        """
        produced = {id(t): t for node in nodes for t in node.output_tensors}
        inside = {node.number for node in nodes}
        inputs = {id(t): t for node in nodes for t in node.inputs if id(t) not in produced}
        used = {id(t) for node in self.nodes if node.number not in inside for t in node.inputs}
        used |= {id(t) for t in self.outputs}
        return list(inputs.values()), [t for key, t in produced.items() if key in used]

    def masks_of(self, node: Node) -> Sequence[tuple[Tensor, Tensor]]:
        """Returns pairs of an input of a node and its mask, for masks that the layer may look up.

        A mask that cannot be computed from the inputs of the graph is left out: arrays that are
        passed for the inputs may have masks of their own.
        """
        return self._masks.get(node.number, ())

    def path(self, node: Node) -> str:
        """Returns the path of the innermost block of a node; '' if it is in no block."""
        if not self._paths:
            for block in self.root.walk():  # outermost first: the innermost overwrites
                self._paths.update((inner.number, block.path) for inner in block.nodes)
        return self._paths.get(node.number, "")

    def run(self, values: Sequence[Any], masks: Sequence[Any] | None = None) -> list[Any]:
        """Computes the outputs from arrays for the inputs.

        Args:
            values: an array for each input.
            masks: the masks of the inputs, if the symbolic Tensors had none. Layers then look up
                masks by array.
        """
        return run_graph(self, values, masks)


def _find_masks(
    nodes: Sequence[Node], inputs: Sequence[Tensor]
) -> dict[int, list[tuple[Tensor, Tensor]]]:
    """Returns, by number of the node, the masks to look up that the inputs determine."""
    found: dict[int, list[tuple[Tensor, Tensor]]] = {}
    reachable: dict[int, bool] = {}  # by `id`: the layers of a stack have the same mask
    for node in nodes:
        for _, mask in node.input_masks:
            if id(mask) not in reachable:
                reachable[id(mask)] = is_reachable(mask, inputs)
        pairs = [(t, mask) for t, mask in node.input_masks if reachable[id(mask)]]
        if pairs:
            found[node.number] = pairs
    return found


def is_reachable(tensor: Tensor, inputs: Sequence[Tensor]) -> bool:
    """Whether a Tensor can be computed from the inputs alone."""
    given = {id(t) for t in inputs}
    pending, seen = [tensor], set()
    while pending:
        tensor = pending.pop()
        if id(tensor) in given or id(tensor) in seen:
            continue
        seen.add(id(tensor))
        if tensor.node is None or not tensor.node.inputs:
            return False
        pending.extend(tensor.node.inputs)
    return True


def _find_nodes(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> tuple[Node, ...]:
    """Returns the nodes between inputs and outputs, in topological order.

    Raises:
        ValueError: an output depends on another input.
    """
    given = {id(t) for t in inputs}
    nodes: dict[int, Node] = {}
    todo = list(outputs)
    while todo:
        tensor = todo.pop()
        if id(tensor) in given:
            continue
        node = tensor.node
        if node is None or not node.inputs:
            origin = f"Input {node.name!r} ({node.location})" if node else repr(tensor)
            raise ValueError(
                f"Graph disconnected: the outputs depend on {origin}, which is not among the "
                f"model's inputs.\nInputs given: {[t.name for t in inputs]}. "
                "Add it to `inputs`, or compute the outputs from the given inputs only."
            )
        if node.number not in nodes:
            nodes[node.number] = node
            todo.extend(node.inputs)
    # Nodes are numbered as they are created, after those that they depend on.
    return tuple(nodes[number] for number in sorted(nodes))
