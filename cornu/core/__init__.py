"""The few central types: Variable, Scope, Tensor, Node, Graph, Block, Layer."""

from cornu.core import inference  # which connects ops called on Tensors with the graph

__all__ = ["inference"]
