"""Functions on the graph of symbolic Tensors."""

from __future__ import annotations

from cornu.core.graph.tensor import Tensor
from cornu.core.tracebacks.api_boundary import api_boundary

__all__ = ["get_source_inputs"]


@api_boundary
def get_source_inputs(tensor: Tensor) -> list[Tensor]:
    """Returns the inputs from which a Tensor is computed, in the order of their creation.

    Args:
        tensor: a symbolic Tensor.

    Example:

    >>> import cornu
    >>> a, b = cornu.Input((2,), name="a"), cornu.Input((2,), name="b")
    >>> [t.name for t in get_source_inputs(cornu.layers.Add()([b, a]))]
    ['a', 'b']
    """
    sources: list[Tensor] = []
    seen: set[int] = set()
    todo = [tensor]
    while todo:
        one = todo.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if one.node is None or not one.node.inputs:
            sources.append(one)
        else:
            todo.extend(reversed(one.node.inputs))
    # A Tensor that is not an output of a node, such as `KerasTensor(shape)`, has no number. These
    # come first, in the order of the arguments.
    return sorted(sources, key=lambda one: -1 if one.node is None else one.node.number)
