"""View: what a check may look at: the drawing, the outputs with their losses, samples of data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer

__all__ = [
    "DataSample",
    "CheckedOutput",
    "GraphCall",
    "CheckContext",
    "sample_array",
    "walk_calls",
    "walk_back",
]

# Elements of an array that are looked at, and rows from which on data is no toy.
_ELEMENTS = 1 << 18
ENOUGH = 256


@dataclass(frozen=True)
class DataSample:
    """An array that is fed: its name, a sample of its rows, the number of all rows."""

    name: str
    values: np.ndarray
    rows: int
    tensor: Tensor | None = None

    @property
    def many(self) -> bool:
        """Whether there are so many rows that chance explains nothing."""
        return self.rows >= ENOUGH


@dataclass(frozen=True)
class CheckedOutput:
    """An output with its loss and its targets."""

    name: str
    tensor: Tensor
    loss: Any
    target: DataSample | None
    given: bool


@dataclass(frozen=True)
class GraphCall:
    """A node of the model or of a model inside it, with its path."""

    node: Node
    path: str

    @property
    def op(self) -> Any:
        """The layer or op."""
        return self.node.op

    @property
    def place(self) -> str:
        """The user's `file:line`."""
        return self.node.location


@dataclass
class CheckContext:
    """A model with a recipe and data.

    Attributes:
        model: the model.
        inputs: the inputs that have data.
        heads: the outputs; empty if they are not known.
        weights: sample weights.
        validation: validation inputs, if arrays were given.
        batch_size: the rows of a batch, if known.
        metrics: pairs of an output's position and a metric.
    """

    model: Any
    inputs: list[DataSample]
    heads: list[CheckedOutput]
    weights: list[DataSample]
    validation: list[np.ndarray]
    training: list[np.ndarray]
    batch_size: int | None = None
    metrics: tuple[tuple[int, Any], ...] = ()

    @property
    def drawing(self) -> Any:
        """The model's drawing, or None."""
        return self.model.functional_graph

    def calls(self) -> list[GraphCall]:
        """Returns all nodes, also those inside nested models."""
        return list(walk_calls(self.model))


def sample_array(name: str, array: Any, tensor: Tensor | None = None) -> DataSample:
    """Returns some rows of an array, evenly spread."""
    values = np.asarray(array)
    rows = len(values) if values.ndim else 1
    size = max(1, values.size // max(rows, 1))
    step = max(1, -(-rows // max(8, _ELEMENTS // size)))
    return DataSample(name, values[::step] if values.ndim else values[None], rows, tensor)


def walk_calls(model: Any, prefix: str = "") -> Iterator[GraphCall]:
    """Yields the nodes of a drawn model, those of models inside after the node of the model."""
    drawing = model.functional_graph
    if drawing is None:
        return
    for node in drawing.graph.nodes:
        path = path_of_node(drawing, node, prefix)
        yield GraphCall(node, path)
        if isinstance(node.op, Layer) and node.op.functional_graph is not None:
            yield from walk_calls(node.op, path)


def path_of_node(drawing: Any, node: Node, prefix: str = "") -> str:
    """Returns a node's path: block path and name, below a prefix."""
    name = drawing.layer_names.get(id(node.op), node.name)
    return "/".join(part for part in (prefix, drawing.graph.path(node), name) if part)


def walk_back(model: Any, tensor: Tensor, prefix: str = "") -> Iterator[tuple[GraphCall, Tensor]]:
    """Yields the nodes before a Tensor, nearest first, as long as each has one input.

    A nested model is entered through its output.
    """
    drawing = model.functional_graph
    given = {id(t) for t in drawing.input_tensors}
    while id(tensor) not in given and tensor.node is not None:
        node = tensor.node
        path = path_of_node(drawing, node, prefix)
        inner = node.op.functional_graph if isinstance(node.op, Layer) else None
        if inner is not None:
            if tensor.index < len(inner.output_tensors):
                yield from walk_back(node.op, inner.output_tensors[tensor.index], path)
            return
        yield GraphCall(node, path), tensor
        if len(node.inputs) != 1:
            return
        tensor = node.inputs[0]
