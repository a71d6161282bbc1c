"""Models as ONNX graphs, converted from the primitives of JAX by tables."""
