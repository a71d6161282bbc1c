"""The few central types: Variable, Scope, Tensor, Node, Graph, Block, Layer."""
