"""cut: a block of a graph as a model of its own."""

from __future__ import annotations

from typing import Any

from cornu.inspect import Item
from cornu.inspect.retrace import is_added_mask, new_input, replay

__all__ = ["cut"]


def cut(block: Item, model: type) -> Any:
    """Returns the model between the Tensors that enter a block and those that leave it.

    Args:
        block: the block's item in an outline.
        model: the class of models.
    """
    inputs, outputs = block.model._graph_.graph.boundary(block.nodes)
    outputs = [t for t in outputs if not is_added_mask(t)]
    data = [t for t in inputs if not is_added_mask(t)]
    # Masks are not inputs: tracing the nodes again on new inputs computes them from the data.
    if len(data) < len(inputs):
        starts = {id(t): new_input(t) for t in data}
        new = replay(block.nodes, starts)
        data, outputs = list(starts.values()), [new[id(t)] for t in outputs]
    single = (data[0] if len(data) == 1 else data, outputs[0] if len(outputs) == 1 else outputs)
    return model(*single, name=block.name)
