"""Shallower copies of deep models, and the extrapolation of what grows with the depth.

A model with many equal blocks takes long to compile, since XLA inlines them. What a block adds to
the program is the same for each of them: models with 2 and 3 blocks determine it, and a model with
4 blocks proves it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from cornu import registry, tree
from cornu.core.graph.block import Block
from cornu.core.graph.structural_key import describe_subgraph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.inspect.retrace import new_input, replay

__all__ = ["DEPTHS", "BlockChain", "extrapolate", "find_chain", "shorten"]

# The numbers of equal blocks of the models that are compiled instead of a deep one.
DEPTHS = (2, 3, 4)
# From this number of blocks on, shallower models save time.
_MIN_BLOCKS = 8


KeyT = TypeVar("KeyT", bound=Hashable)


class BlockChain(NamedTuple):
    """Equal blocks, each of which computes its output from that of the one before.

    Attributes:
        nodes: the nodes of each block, in order.
        outputs: the Tensor that leaves each block.
    """

    nodes: tuple[Sequence[Node], ...]
    outputs: tuple[Tensor, ...]

    def __len__(self) -> int:
        return len(self.nodes)


class _Part(NamedTuple):
    """A block, or a layer that owns layers, with one input and one output."""

    key: Hashable
    nodes: Sequence[Node]
    input: Tensor
    output: Tensor
    weights: frozenset[int]


def find_chain(model: Any) -> BlockChain | None:
    """Returns the longest chain of equal blocks of a model; None if it has fewer than eight.

    A block is a call of a function of the user, or a layer that owns layers. Blocks that share
    weights, or have several inputs or outputs, are not in a chain.
    """
    functional = model._graph_
    if functional is None:
        return None
    graph = functional.graph
    chains = [chain for block in graph.root.walk() for chain in _find_chains(block, graph)]
    longest = max(chains, key=len, default=[])
    if len(longest) < _MIN_BLOCKS:
        return None
    return BlockChain(tuple(part.nodes for part in longest), tuple(part.output for part in longest))


def _find_chains(block: Block, graph: Any) -> Iterator[list[_Part]]:
    """Yields the maximal chains among the parts of a block."""
    chain: list[_Part] = []
    for part in block.parts:
        found = _describe(part, graph)
        last = chain[-1] if chain else None
        follows = (
            found is not None
            and last is not None
            and found.input is last.output
            and found.key == last.key
            and not found.weights & last.weights
        )
        if not follows:
            yield chain
            chain = []
        if found is not None:
            chain.append(found)
    yield chain


def _describe(part: Node | Block, graph: Any) -> _Part | None:
    """Returns a part of a graph; None if it is no block with one input and one output."""
    if isinstance(part, Block):
        nodes: Sequence[Node] = part.nodes
        remat = part.remat
    elif isinstance(part.op, Layer) and part.op._sublayers_():
        nodes, remat = [part], False
    else:
        return None
    inputs, outputs = graph.boundary(nodes)
    if len(inputs) != 1 or len(outputs) != 1:
        return None
    subgraph = describe_subgraph(nodes, outputs, graph.masks_of)
    weights = frozenset(id(variable) for variable in subgraph.variables)
    return _Part((subgraph.structural_key, remat), nodes, inputs[0], outputs[0], weights)


def shorten(model: Any, chain: BlockChain, count: int) -> Any:
    """Returns a model with the first `count` blocks of a chain, compiled as the whole model.

    Its layers are those of the whole model; its optimizer, losses and metrics are its own.

    Args:
        model: a compiled functional model.
        chain: a chain of it.
        count: the number of blocks that are kept, at least 1.
    """
    functional = model._graph_
    skipped = {id(node) for nodes in chain.nodes[count:] for node in nodes}
    end = chain.nodes[-1][-1].number
    kept = [node for node in functional.nodes if id(node) not in skipped]
    new = {id(old): new_input(old) for old in functional.input_tensors}
    inputs = tree.map(lambda old: new[id(old)], functional.inputs)
    new = replay([node for node in kept if node.number <= end], new)
    new[id(chain.outputs[-1])] = new[id(chain.outputs[count - 1])]
    new = replay([node for node in kept if node.number > end], new)
    outputs = tree.map(lambda old: new[id(old)], functional.outputs)
    short = model._model_classes_()[0](inputs, outputs, name=model.name)
    with registry.copy_scope():
        config = model.get_compile_config()
    short.compile_from_config(config)
    return short


def extrapolate(counts: Sequence[Mapping[KeyT, int]], depth: int) -> dict[KeyT, int] | None:
    """Returns how often something occurs in a model with `depth` blocks.

    Args:
        counts: how often, in the models with `DEPTHS` blocks.
        depth: the number of blocks.

    Returns:
        The counts, which grow by the same number with each block; None if they do not.

    Example:

    >>> extrapolate([{"a": 5, "b": 1}, {"a": 7, "b": 1}, {"a": 9, "b": 1}], 96)
    {'a': 193, 'b': 1}
    >>> extrapolate([{"a": 5}, {"a": 7}, {"a": 8}], 96) is None
    True
    """
    first, second, third = counts
    found: dict[KeyT, int] = {}
    for key in dict.fromkeys([*first, *second, *third]):
        a, b, c = (part.get(key, 0) for part in (first, second, third))
        if b - a != c - b:
            return None
        found[key] = a + (depth - DEPTHS[0]) * (b - a)
    return {key: count for key, count in found.items() if count}
