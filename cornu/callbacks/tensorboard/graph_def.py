"""graph_def: a model's graph as TensorBoard shows it.

A `GraphDef` is a list of nodes with names; those that share the beginning of their path, up to a
`/`, are drawn as one box that can be opened. So blocks and nested models become boxes.

References: tensorflow/core/framework/graph.proto, node_def.proto and attr_value.proto.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cornu.callbacks.tensorboard import protobuf
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.names import make_unique

__all__ = ["graph_def"]


def graph_def(model: Any) -> bytes | None:
    """Returns a model's graph as an encoded `GraphDef`; None if the model is not drawn.

    Args:
        model: what was drawn with `Model(inputs, outputs)` or as a Sequential.
    """
    if model.functional_graph is None:
        return None
    writer = _Writer()
    drawing = model.functional_graph
    for tensor, name in zip(drawing.input_tensors, drawing.input_names, strict=True):
        writer.add(name, "Input", (), [tensor])
    writer.draw(drawing, "")
    return b"".join(writer.nodes)


class _Writer:
    """Encodes nodes, and knows by which name each Tensor is reached."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}

    def draw(self, drawing: Any, around: str) -> None:
        """Adds the nodes of a drawing whose inputs have names, in the box `around`."""
        for node in drawing.graph.nodes:
            path = drawing.graph.path(node)
            name = "/".join(part for part in (around, path, node.name) if part)
            inner = node.op.functional_graph if _is_nested(node) else None
            if inner is None:
                kind = type(node.op).__name__ if isinstance(node.op, Layer) else node.name
                self.add(name, kind, node.inputs, node.output_tensors, node.op)
            else:
                self._open(node, inner, make_unique(name, self._taken))

    def _open(self, node: Node, inner: Any, name: str) -> None:
        """Adds the nodes inside of a model that is called."""
        outer = {id(t): self._names[id(t)] for t in inner.input_tensors if id(t) in self._names}
        for given, tensor in zip(inner.match(node.args[0]), inner.input_tensors, strict=True):
            self._names[id(tensor)] = self._names.get(id(given), "")
        self.draw(inner, name)
        for made, tensor in zip(node.output_tensors, inner.output_tensors, strict=False):
            self._names[id(made)] = self._names[id(tensor)]
        self._names.update(outer)

    def add(
        self,
        name: str,
        kind: str,
        inputs: Sequence[Tensor],
        outputs: Sequence[Tensor],
        op: Any = None,
    ) -> None:
        """Adds a node."""
        name = make_unique(name, self._taken)
        for index, tensor in enumerate(outputs):
            self._names[id(tensor)] = f"{name}:{index}" if index else name
        data = protobuf.text(1, name) + protobuf.text(2, kind)
        for tensor in inputs:
            if self._names.get(id(tensor)):
                data += protobuf.text(3, self._names[id(tensor)])
        data += _attribute("_output_shapes", protobuf.message(1, b"".join(map(_shape, outputs))))
        data += _attribute("dtype", protobuf.text(2, ", ".join(t.dtype for t in outputs)))
        if isinstance(op, Layer):
            data += _attribute(
                "parameters", protobuf.number(3, op.count_params() if op.built else 0)
            )
        self.nodes.append(protobuf.message(1, data))


def _is_nested(node: Node) -> bool:
    op = node.op
    return isinstance(op, Layer) and op.is_model and op.is_purely_functional and len(node.args) == 1


def _attribute(name: str, value: bytes) -> bytes:
    return protobuf.message(5, protobuf.text(1, name) + protobuf.message(2, value))


def _shape(tensor: Tensor) -> bytes:
    sizes = (protobuf.number(1, -1 if size is None else size) for size in tensor.shape)
    return protobuf.message(7, b"".join(protobuf.message(2, size) for size in sizes))
