"""Runs of equal blocks in a graph, each of which continues where the one before it ends."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from cornu.core.graph.block import Block
from cornu.core.graph.graph import Graph
from cornu.core.graph.structural_key import Subgraph, describe_subgraph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer

__all__ = ["BlockRun", "EqualBlock", "find_runs"]

Part = Node | Block


class EqualBlock(NamedTuple):
    """A block of a run.

    Attributes:
        parts: the parts of the graph that it consists of, in order.
        nodes: their nodes.
        subgraph: its inputs, Variables and random sources. The outputs are those that the next
            block uses, or would use.
        used: the positions of the outputs that nodes outside of the block use.
    """

    parts: Sequence[Part]
    nodes: Sequence[Node]
    subgraph: Subgraph
    used: tuple[int, ...]


class BlockRun(NamedTuple):
    """Blocks with equal structural keys, each of which computes from the outputs of the last.

    Attributes:
        blocks: the blocks, in order.
        carried: for each input of a block, the position of the output of the block before it; None
            if all blocks have the same input, such as a mask.
    """

    blocks: tuple[EqualBlock, ...]
    carried: tuple[int | None, ...]

    @property
    def size(self) -> int:
        """The number of nodes."""
        return sum(len(block.nodes) for block in self.blocks)


def find_runs(graph: Graph) -> list[BlockRun]:
    """Returns runs of equal blocks: the longest one among the parts of each block of the user.

    A block of a run is a call of a function of the user, a layer, or several of them in a row.
    Blocks without weights do not count, nor those that share weights or random sources.
    """
    # If the nodes of two blocks were created alternately, no block can run as a whole.
    if graph.parts is not graph.root.parts:
        return []
    search = _Search(graph)
    found: list[BlockRun] = []
    pending = [graph.root]
    while pending:
        block = pending.pop(0)
        run = search.longest(block.parts)
        members = {id(part) for one in run.blocks for part in one.parts} if run else set()
        found += [run] if run else []
        pending += [child for child in block.children if id(child) not in members]
    return found


class _Search:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph

    @cached_property
    def users(self) -> dict[int, set[float]]:
        """The numbers of the nodes that use each Tensor, by `id`; infinity for outputs."""
        users: dict[int, set[float]] = defaultdict(set)
        for node in self.graph.nodes:
            for tensor in (*node.inputs, *(mask for _, mask in self.graph.masks_of(node))):
                users[id(tensor)].add(node.number)
        for tensor in self.graph.outputs:
            users[id(tensor)].add(math.inf)
        return users

    def longest(self, parts: Sequence[Part]) -> BlockRun | None:
        """Returns the run with the most nodes; of equal ones, that with the most blocks."""
        best: BlockRun | None = None
        sizes = [len(_nodes_of(part)) for part in parts]
        repeats = sorted(_find_repeats([_cheap_key(part) for part in parts], sizes))
        for most, period, start, stop in repeats:
            if best is not None and -most <= best.size:
                break
            # A run may begin within the first period, where fewer outputs are carried.
            for first in range(start, start + (stop - start) % period + 1):
                groups = [parts[i : i + period] for i in range(first, stop - period + 1, period)]
                run = self._verify(groups)
                if run and (best is None or _rank(run) > _rank(best)):
                    best = run
        return best

    def _verify(self, groups: Sequence[Sequence[Part]]) -> BlockRun | None:
        """Returns the longest run of groups that are equal and form a chain."""
        if not any(_has_weights(node) for part in groups[0] for node in _nodes_of(part)):
            return None
        found: list[BlockRun] = []
        first = 0
        while first < len(groups) - 1:
            run = self._extend(groups[first:])
            found += [run] if run else []
            first += len(run.blocks) if run else 1
        return max(found, key=_rank, default=None)

    def _extend(self, groups: Sequence[Sequence[Part]]) -> BlockRun | None:
        """Returns the run that begins with the first group; None if it is only that group."""
        nodes = [[node for part in group for node in _nodes_of(part)] for group in groups]
        positions = self._used(nodes[0])
        blocks: list[EqualBlock] = []
        carried: tuple[int | None, ...] | None = None
        seen: set[int] = set()
        for i, (group, inside) in enumerate(zip(groups, nodes, strict=True)):
            used = self._used(inside)
            produced = _produced(inside)
            outputs = [produced[p] for p in positions if p < len(produced)]
            subgraph = describe_subgraph(inside, outputs, self.graph.masks_of)
            own = {id(thing) for thing in (*subgraph.variables, *subgraph.sources)}
            if not set(used) <= set(positions) or own & seen or not subgraph.variables:
                break
            if blocks:
                last = blocks[-1]
                if subgraph.structural_key != last.subgraph.structural_key:
                    break
                links = _link(last.subgraph, subgraph)
                if links is None or (carried is not None and links != carried):
                    break
                carried = links
            seen |= own
            order = tuple(positions.index(p) for p in used)
            blocks.append(EqualBlock(group, inside, subgraph, order))
            following = nodes[i + 1] if i + 1 < len(nodes) else []
            if used != positions or not self._only_used_by(inside, following):
                break
        return BlockRun(tuple(blocks), carried) if carried is not None else None

    def _used(self, nodes: Sequence[Node]) -> tuple[int, ...]:
        """Returns the positions of the Tensors of some nodes that other nodes use."""
        numbers = {node.number for node in nodes}
        produced = enumerate(_produced(nodes))
        return tuple(p for p, tensor in produced if self.users[id(tensor)] - numbers)

    def _only_used_by(self, nodes: Sequence[Node], following: Sequence[Node]) -> bool:
        numbers = {node.number for node in (*nodes, *following)}
        return all(self.users[id(tensor)] <= numbers for tensor in _produced(nodes))


def _rank(run: BlockRun) -> tuple[int, int, int]:
    outputs = len([position for position in run.carried if position is not None])
    return run.size, len(run.blocks), -outputs


def _link(last: Subgraph, following: Subgraph) -> tuple[int | None, ...] | None:
    """Returns which output of a block each input of the next one is; None if it is neither that
    nor the same input."""
    outputs = {id(tensor): position for position, tensor in enumerate(last.outputs)}
    found: list[int | None] = []
    for before, tensor in zip(last.inputs, following.inputs, strict=True):
        position = outputs.get(id(tensor))
        if position is None and before is not tensor:
            return None
        found.append(position)
    return tuple(found) if any(position is not None for position in found) else None


def _find_repeats(
    keys: Sequence[Hashable], sizes: Sequence[int]
) -> Iterator[tuple[int, int, int, int]]:
    """Yields `(-nodes, period, start, stop)` of parts whose keys repeat.

    Example:

    >>> list(_find_repeats("xababab", [1] * 7))
    [(-6, 2, 1, 7)]
    """
    for period in range(1, len(keys) // 2 + 1):
        start = None
        for i in range(len(keys) - period + 1):
            equal = i + period < len(keys) and keys[i] == keys[i + period]
            if equal and start is None:
                start = i
            if not equal and start is not None:
                if i - start >= period:
                    yield -sum(sizes[start : i + period]), period, start, i + period
                start = None


def _cheap_key(part: Part) -> Hashable:
    """Returns a cheap key that is equal for parts with equal structural keys."""
    remat = part.remat if isinstance(part, Block) else None
    return (remat, *map(_cheap_node_key, _nodes_of(part)))


def _cheap_node_key(node: Node) -> Hashable:
    name = "" if isinstance(node.op, Layer) else node.op.name  # equal layers have different names
    tensors = (*node.inputs, *node.output_tensors)
    return (type(node.op), name, *((tensor.shape, tensor.dtype) for tensor in tensors))


def _nodes_of(part: Part) -> Sequence[Node]:
    return part.nodes if isinstance(part, Block) else [part]


def _produced(nodes: Sequence[Node]) -> list[Tensor]:
    return [tensor for node in nodes for tensor in node.output_tensors]


def _has_weights(node: Node) -> bool:
    op: Any = node.op
    return isinstance(op, Layer) and bool(op.weights)
