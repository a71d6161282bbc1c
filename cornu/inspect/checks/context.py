"""What checks receive: a model, its outputs with their losses, and samples of the data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.types import ArrayLike

__all__ = [
    "CheckContext",
    "CheckedOutput",
    "DataSample",
    "GraphCall",
    "sample_array",
    "walk_back",
    "walk_calls",
]

# The size of a sample in elements, and the number of rows of a data set that is not a toy.
_ELEMENTS = 1 << 18
ENOUGH = 256


@dataclass(frozen=True)
class DataSample:
    """A sample of an array.

    Attributes:
        name: the name of the input, target or sample weight.
        values: some of its rows, evenly spaced.
        rows: the number of all rows.
        tensor: the symbolic input or output, if known.
    """

    name: str
    values: np.ndarray
    rows: int
    tensor: Tensor | None = None

    @property
    def many(self) -> bool:
        """Whether there are enough rows that equal values are not a coincidence."""
        return self.rows >= ENOUGH


@dataclass(frozen=True)
class CheckedOutput:
    """An output with its loss and targets.

    Attributes:
        name: the output name.
        tensor: the symbolic output.
        loss: its Loss, or None.
        target: a sample of its targets, or None.
        given: whether `compile` received an entry for its loss, even if it is None.
    """

    name: str
    tensor: Tensor
    loss: Any
    target: DataSample | None
    given: bool


@dataclass(frozen=True)
class GraphCall:
    """A node of a model or of a nested model, with its path."""

    node: Node
    path: str

    @property
    def op(self) -> Any:
        """The layer or op."""
        return self.node.op

    @property
    def place(self) -> str:
        """The source location `file:line` in the user's code."""
        return self.node.location


@dataclass
class CheckContext:
    """A compiled model and samples of its data.

    Attributes:
        model: the model.
        inputs: the inputs that have data.
        outputs: the outputs; empty if they are unknown.
        sample_weights: the sample weights.
        validation: the validation inputs, if they are arrays.
        training: the training inputs, if they are arrays.
        batch_size: the rows of a batch, if known.
        metrics: pairs of an output's position and a metric.
    """

    model: Any
    inputs: list[DataSample]
    outputs: list[CheckedOutput]
    sample_weights: list[DataSample]
    validation: list[np.ndarray]
    training: list[np.ndarray]
    batch_size: int | None = None
    metrics: tuple[tuple[int, Any], ...] = ()

    @property
    def functional_graph(self) -> Any:
        """The model's functional graph, or None."""
        return self.model._graph_

    def calls(self) -> list[GraphCall]:
        """Returns all calls, also those in nested models."""
        return list(walk_calls(self.model))


def sample_array(name: str, array: ArrayLike, tensor: Tensor | None = None) -> DataSample:
    """Returns a sample of evenly spaced rows of an array."""
    values = np.asarray(array)
    rows = len(values) if values.ndim else 1
    size = max(1, values.size // max(rows, 1))
    step = max(1, -(-rows // max(8, _ELEMENTS // size)))
    return DataSample(name, values[::step] if values.ndim else values[None], rows, tensor)


def walk_calls(model: Layer, prefix: str = "") -> Iterator[GraphCall]:
    """Yields the calls of a functional model; those of a nested model follow its own call."""
    functional_graph = model._graph_
    if functional_graph is None:
        return
    for node in functional_graph.graph.nodes:
        path = path_of_node(functional_graph, node, prefix)
        yield GraphCall(node, path)
        if isinstance(node.op, Layer) and node.op._graph_ is not None:
            yield from walk_calls(node.op, path)


def path_of_node(functional_graph: Any, node: Node, prefix: str = "") -> str:
    """Returns a node's path: prefix, block path and name, joined by "/"."""
    name = functional_graph.layer_names.get(id(node.op), node.name)
    return "/".join(part for part in (prefix, functional_graph.graph.path(node), name) if part)


def walk_back(model: Layer, tensor: Tensor, prefix: str = "") -> Iterator[tuple[GraphCall, Tensor]]:
    """Yields the calls before a Tensor, last first, as long as each has one input.

    Nested models are followed from their output.
    """
    functional_graph = model._graph_
    given = {id(t) for t in functional_graph.input_tensors}
    while id(tensor) not in given and tensor.node is not None:
        node = tensor.node
        path = path_of_node(functional_graph, node, prefix)
        inner = node.op._graph_ if isinstance(node.op, Layer) else None
        if inner is not None:
            if tensor.index < len(inner.output_tensors):
                yield from walk_back(node.op, inner.output_tensors[tensor.index], path)
            return
        yield GraphCall(node, path), tensor
        if len(node.inputs) != 1:
            return
        tensor = node.inputs[0]
