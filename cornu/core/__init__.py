"""The few central types: Variable, Scope, Tensor, Node, Graph, Block, Layer."""

from cornu.core.graph import inference

__all__ = ["inference"]
