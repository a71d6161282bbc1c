"""outputs_of: a model that returns intermediate outputs of another model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

from cornu import tree
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.inspect.find import find, is_glob, label_call, label_calls
from cornu.inspect.outline import Item
from cornu.inspect.record_outputs import OutputRecord, record_outputs
from cornu.models.flatten import InlinedGraph, is_inlinable
from cornu.models.functional import FunctionalGraph
from cornu.models.retrace import is_added_mask
from cornu.types import PyTree

__all__ = ["Recording", "outputs_of"]


def outputs_of(model: Any, what: Any, functional_class: Any, recorder: Any) -> Any:
    """Returns the model of intermediate outputs; see `Model.outputs_of`.

    Args:
        model, what: as in `Model.outputs_of`.
        functional_class: the class of Functional models.
        recorder: the class of models that run another model and record its layers.
    """
    items = find(model, what)
    single = (isinstance(what, str) and not is_glob(what)) or isinstance(what, Layer)
    if model._graph_ is None or not all(map(_is_symbolic, items)):
        return recorder(model, items, single)
    inputs, outputs = _symbolic_outputs(model._graph_, items, single)
    return functional_class(inputs, outputs, name=model.name)


def _is_symbolic(item: Item) -> bool:
    known = item.node is not None or item.block is not None
    return known and all(is_inlinable(owner.op) for owner in item.owners)


def _symbolic_outputs(
    graph: FunctionalGraph, items: Sequence[Item], single: bool
) -> tuple[Any, Any]:
    if all(len(item.owners) == 1 for item in items):
        inputs = graph.inputs
        named = [(label, _outputs(item, graph)) for label, item in label_calls(items)]
    else:
        inlined = InlinedGraph(graph, keeps_nodes=False)
        inputs = tree.unflatten(tree.flatten_with_treedef(graph.inputs)[1], inlined.starts)
        named = list(_inlined_outputs(items, inlined))
    if single and len(named) == 1:
        return inputs, named[0][1]
    return inputs, OrderedDict(named)


def _inlined_outputs(items: Sequence[Item], inlined: InlinedGraph) -> Any:
    """Yields the label and the outputs of each call of the items."""
    counts: dict[str, int] = {}
    for item in items:
        old = _outputs(item, item.model._graph_)
        first = tree.leaves(old)[0]
        for call in range(len(inlined.calls[first.node.number])):
            number = counts.get(item.path, 0)
            counts[item.path] = number + 1

            def new(tensor: Tensor, call: int = call) -> Any:
                assert tensor.node is not None
                return inlined.calls[tensor.node.number][call][tensor.index]

            yield label_call(item.path, number), tree.map(new, old)


def _outputs(item: Item, graph: FunctionalGraph) -> Any:
    return item.node.outputs if item.node is not None else block_outputs(item.block, graph)


def block_outputs(block: Any, graph: FunctionalGraph) -> Any:
    """Returns the Tensor that the rest of the model uses of a block, or a list of several."""
    found = [t for t in graph.graph.boundary(block.nodes)[1] if not is_added_mask(t)]
    return found[0] if len(found) == 1 else found


class Recording:
    """Mixin for a model that runs another model and returns the outputs of some of its layers.

    Args:
        model: the model to run.
        items: the layers, as `cornu.inspect.find` returns them.
        single: whether a single output is returned as such rather than in a dict.
    """

    name: str

    def __init__(self, model: Any, items: Sequence[Item], single: bool) -> None:
        super().__init__(name=model.name)  # type: ignore[call-arg]
        self.inner = model
        self._single = single
        self._layers: dict[str, Layer] = {}
        for item in items:
            if not isinstance(item.op, Layer) or item.kind == "input":
                raise ValueError(
                    f"Model {model.name!r}: the output of {item.path!r} is not available, because "
                    "it is inside a model that defines `call`. Only outputs of layers are."
                )
            if all(layer is not item.op for layer in self._layers.values()):
                self._layers[item.path] = item.op

    def _reads_on_host_(self, inputs: PyTree) -> bool:
        reads: bool = self.inner._reads_on_host_(inputs)
        return reads

    @property
    def _input_reader_(self) -> Any:
        # The inputs are those of the model, of which a part may run on the host.
        return self.inner._input_reader_

    def call(self, inputs: PyTree, training: bool | None = None, mask: PyTree = None) -> Any:
        """Runs the model; returns the outputs of its layers."""
        run = record_outputs(
            lambda x: self.inner(x, training=training), list(self._layers.values())
        )
        _, record = run(inputs)
        found: OrderedDict[str, Any] = OrderedDict()
        for path, layer in self._layers.items():
            for number, outputs in enumerate(self._calls(record, path, layer)):
                found[label_call(path, number)] = outputs
        return next(iter(found.values())) if self._single and len(found) == 1 else found

    def _calls(self, record: OutputRecord, path: str, layer: Layer) -> list[Any]:
        calls = record.of(layer)
        if calls:
            return calls
        if any(known is layer for known in record.inner):
            raise ValueError(
                f"Model {self.name!r}: {path!r} runs inside a loop or another JAX transformation, "
                "so that its outputs are not available outside. Request the layer that contains "
                "it."
            )
        raise ValueError(f"Model {self.name!r}: {path!r} was not called.")
