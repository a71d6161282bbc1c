"""Encodes the functional graph of a model as a `GraphDef` for TensorBoard.

A `GraphDef` is a list of named nodes. TensorBoard groups nodes whose names share a prefix that ends
with `/` into an expandable box: blocks and nested models become such boxes.

References: tensorflow/core/framework/graph.proto, node_def.proto and attr_value.proto.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from cornu.callbacks.tensorboard import protobuf
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.names import make_unique

__all__ = ["encode_graph"]


class _FunctionalGraph(Protocol):
    """What is used of `cornu.models.FunctionalGraph`."""

    graph: Graph

    @property
    def input_tensors(self) -> Sequence[Tensor]: ...

    @property
    def output_tensors(self) -> Sequence[Tensor]: ...

    @property
    def input_names(self) -> Sequence[str]: ...

    def match(self, inputs: Any) -> Sequence[Any]: ...


class _Model(Protocol):
    @property
    def _graph_(self) -> _FunctionalGraph | None: ...


def encode_graph(model: _Model) -> bytes | None:
    """Encodes the functional graph of a model; returns None for a subclassed model."""
    functional = model._graph_
    if functional is None:
        return None
    encoder = _Encoder()
    for tensor, name in zip(functional.input_tensors, functional.input_names, strict=True):
        encoder.add(name, "Input", (), [tensor])
    encoder.add_graph(functional, "")
    return b"".join(encoder.nodes)


class _Encoder:
    """Encodes nodes, and maps each Tensor to the name of the output that computes it."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self._names: dict[int, str] = {}
        self._taken: dict[str, int] = {}

    def add_graph(self, functional: _FunctionalGraph, prefix: str) -> None:
        """Adds all nodes of a graph whose inputs have names, below the path `prefix`."""
        for node in functional.graph.nodes:
            path = functional.graph.path(node)
            name = "/".join(part for part in (prefix, path, node.name) if part)
            inner = node.op._graph_ if _is_nested(node) else None
            if inner is None:
                kind = type(node.op).__name__ if isinstance(node.op, Layer) else node.name
                self.add(name, kind, node.inputs, node.output_tensors, node.op)
            else:
                self._add_nested(node, inner, make_unique(name, self._taken))

    def _add_nested(self, node: Node, inner: _FunctionalGraph, name: str) -> None:
        """Adds the nodes of a nested model."""
        # A model that is called several times has the same Tensors inside: their names are those of
        # this call while its nodes are added.
        outer = {id(t): self._names[id(t)] for t in inner.input_tensors if id(t) in self._names}
        for given, tensor in zip(inner.match(node.args[0]), inner.input_tensors, strict=True):
            self._names[id(tensor)] = self._names.get(id(given), "")
        self.add_graph(inner, name)
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
    if not isinstance(op, Layer) or not op._is_model_ or len(node.args) != 1:
        return False
    return bool(cast(Any, op)._is_purely_functional_)  # an attribute of models


def _attribute(name: str, value: bytes) -> bytes:
    return protobuf.message(5, protobuf.text(1, name) + protobuf.message(2, value))


def _shape(tensor: Tensor) -> bytes:
    sizes = (protobuf.number(1, -1 if size is None else size) for size in tensor.shape)
    return protobuf.message(7, b"".join(protobuf.message(2, size) for size in sizes))
