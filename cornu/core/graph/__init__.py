"""Functional graphs: Tensors, Nodes, blocks of the user's functions, execution, shape inference."""
