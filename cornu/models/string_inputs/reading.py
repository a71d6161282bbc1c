"""Reading the inputs of models that take strings."""

from __future__ import annotations

from typing import Any

from cornu import tree
from cornu.core.layer.signature import call_signature
from cornu.core.layer.walk import nested_layers
from cornu.data.strings import arrays_with_strings
from cornu.inspect.retrace import new_input
from cornu.models.string_inputs.host_columns import is_strings
from cornu.models.string_inputs.split_graph import SplitGraph
from cornu.models.string_inputs.step_inputs import StepInputs
from cornu.types import PyTree

__all__ = ["InputReader", "TracedCall", "contains_strings", "reads_strings"]


class TracedCall:
    """The `call` of a model that defines it, as functional graphs whose first part is on the host.

    Its layers are called on symbolic Tensors, once for each training phase. What `call` does with
    the Tensors besides must consist of `cornu.ops`.

    Args:
        model: the model.
        inputs: Tensors of the shapes and dtypes of its inputs.
    """

    def __init__(self, model: Any, inputs: PyTree) -> None:
        starts = tree.map(lambda t: None if t is None else new_input(t), inputs)
        phases = (False, True) if call_signature(type(model)).training else (None,)
        owner = f"Model {model.name!r}"
        self._graphs = {}
        for training in phases:
            kwargs = {} if training is None else {"training": training}
            outputs = model.call(starts, **kwargs)
            self._graphs[training] = SplitGraph(starts, outputs, owner, strict=False)

    @property
    def graph(self) -> SplitGraph:
        """The graph of the inference phase. The host parts of both are the same."""
        return next(iter(self._graphs.values()))

    def __call__(self, inputs: PyTree, training: bool | None = None, mask: PyTree = None) -> Any:
        """Computes the outputs."""
        graph = self.graph if training is None else self._graphs.get(training, self.graph)
        return graph.run(inputs)


class InputReader:
    """Converts the inputs of a model that takes strings, as the last step of reading data.

    Args:
        model: the model. If it has no functional graph yet, it is built for the first data.
    """

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, x: Any, what: str, names: tuple[str, ...], lazy: bool) -> Any:
        """Returns StepInputs; for data without strings, and a model without inputs of strings, x.

        Args:
            x, what, names: as in `as_arrays`.
            lazy: whether x is all data, whose large parts are read for each batch.
        """
        if x is None or isinstance(x, StepInputs):
            return x
        arrays = arrays_with_strings(x, what, names, lazy)
        graph = self._model._string_graph_
        if graph is None and self._model._graph_ is None and contains_strings(arrays):
            self._model._build_for_(arrays)
            graph = self._model._string_graph_
        if graph is None:
            return arrays
        return graph.read_all(arrays) if lazy else graph.to_step_inputs(arrays)


def contains_strings(structure: PyTree) -> bool:
    """Whether nested lists, arrays and tensors contain strings."""
    return any(isinstance(x, (str, bytes)) or is_strings(x) for x in tree.leaves(structure))


def reads_strings(model: Any) -> bool:
    """Whether a model without a functional graph owns a layer that takes strings."""
    return any(layer._accepts_strings_ for layer in nested_layers(model))
