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
from cornu.inspect.retrace import is_added_mask
from cornu.models.flatten import InlinedGraph, is_inlinable
from cornu.models.functional import FunctionalGraph
from cornu.types import PyTree

__all__ = ["Recording", "outputs_of"]


def outputs_of(model: Any, what: Any, functional_class: Any, recorder: Any) -> Any:
    """Returns the model of intermediate outputs; see `Model.outputs_of`.

    Args:
        model, what: as in `Model.outputs_of`.
        functional_class: the class of Functional models.
        recorder: the class of models that run another model and record its parts.
    """
    requested = what if isinstance(what, (list, tuple, set)) else [what]
    exact = [one for one in requested if not (isinstance(one, str) and is_glob(one))]
    # A part that a pattern matches may have no output; one that is named must have.
    named = {item.path for item in find(model, exact)} if exact else set()
    items = find(model, what)
    items = [item for item in items if item.path in named or not _is_of_strings(item)]
    if not items:
        raise ValueError(
            f"Model {model.name!r}: all parts that {what!r} matches return strings, which JAX does "
            "not have. Request the layer that converts them to numbers."
        )
    single = (isinstance(what, str) and not is_glob(what)) or isinstance(what, Layer)
    if model._graph_ is None or not all(map(_is_symbolic, items)):
        return recorder(model, items, named, single)
    inputs, outputs = _symbolic_outputs(model._graph_, items, single)
    return functional_class(inputs, outputs, name=model.name)


def _is_symbolic(item: Item) -> bool:
    known = item.node is not None or item.block is not None
    return known and all(is_inlinable(owner.op) for owner in item.owners)


def _is_of_strings(item: Item) -> bool:
    if item.node is None and item.block is None:
        return False
    tensors = tree.leaves(_outputs(item, item.model._graph_))
    return any(tensor is not None and tensor.dtype == "string" for tensor in tensors)


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


class _Part:
    """What is recorded of a part of a model.

    Attributes:
        path: the path of the part.
        required: whether it is an error that the part has no output.
    """

    def __init__(self, item: Item, required: bool) -> None:
        self.path = item.path
        self.required = required

    def calls(self, record: OutputRecord) -> list[Any]:
        """Returns the outputs of each call."""
        raise NotImplementedError

    def is_inside_loop(self, record: OutputRecord) -> bool:
        """Whether the part ran, where its outputs are not available."""
        raise NotImplementedError


class _LayerPart(_Part):
    """A layer that the `call` of a model or layer calls."""

    def __init__(self, item: Item, required: bool) -> None:
        super().__init__(item, required)
        self.layer: Layer = item.op
        # A layer that is shared with a functional graph is a part of this graph, too.
        self._nodes = {
            part.node.number
            for part in item.owners[-1].walk()
            if part.node is not None and part.op is item.op
        }

    def calls(self, record: OutputRecord) -> list[Any]:
        return record.outside_nodes(self.layer, self._nodes)

    def is_inside_loop(self, record: OutputRecord) -> bool:
        return any(layer is self.layer for layer in record.inner)


class _GraphPart(_Part):
    """A layer, op, input or block of a functional graph."""

    def __init__(self, item: Item, required: bool) -> None:
        super().__init__(item, required)
        self.model = item.model
        # The inputs of the part that is compiled include what a part on the host computes.
        self._inputs = {
            id(tensor): i for i, tensor in enumerate(item.model._graph_.device_graph.input_tensors)
        }
        self.outputs = _outputs(item, item.model._graph_)

    @property
    def nodes(self) -> set[int]:
        """The numbers of the nodes that compute the outputs."""
        tensors = [t for t in tree.leaves(self.outputs) if t is not None]
        return {t.node.number for t in tensors if id(t) not in self._inputs}

    def calls(self, record: OutputRecord) -> list[Any]:
        inputs = record.inputs[id(self.model)]
        counts = [len(record.nodes[number]) for number in self.nodes] or [len(inputs)]

        def value(tensor: Tensor | None, call: int) -> Any:
            if tensor is None:
                return None
            if id(tensor) in self._inputs:
                return inputs[call][self._inputs[id(tensor)]]
            assert tensor.node is not None
            return record.nodes[tensor.node.number][call][tensor.index]

        return [
            tree.map(lambda t, call=call: value(t, call), self.outputs)
            for call in range(min(counts))
        ]

    def is_inside_loop(self, record: OutputRecord) -> bool:
        return any(layer is self.model for layer in record.inner)


class Recording:
    """Mixin for a model that runs another model and returns the outputs of some of its parts.

    Args:
        model: the model to run.
        items: the parts, as `cornu.inspect.find` returns them.
        named: the paths of parts that must have an output. The others are left out if they have
            none.
        single: whether a single output is returned as such rather than in a dict.
    """

    name: str

    def __init__(self, model: Any, items: Sequence[Item], named: set[str], single: bool) -> None:
        super().__init__(name=model.name)  # type: ignore[call-arg]
        self.inner = model
        self._single = single
        self._parts: list[_Part] = []
        called: dict[int, Layer] = {}
        for item in items:
            required = item.path in named
            if item.node is not None or item.block is not None:
                self._parts.append(_GraphPart(item, required))
            elif id(item.op) not in called:
                called[id(item.op)] = item.op
                self._parts.append(_LayerPart(item, required))

    def _reads_on_host_(self, inputs: PyTree) -> bool:
        reads: bool = self.inner._reads_on_host_(inputs)
        return reads

    @property
    def _input_reader_(self) -> Any:
        # The inputs are those of the model, of which a part may run on the host.
        return self.inner._input_reader_

    def call(self, inputs: PyTree, training: bool | None = None, mask: PyTree = None) -> Any:
        """Runs the model; returns the outputs of its parts."""
        in_graphs = [part for part in self._parts if isinstance(part, _GraphPart)]
        models = list({id(part.model): part.model for part in in_graphs}.values())
        layers = [part.layer for part in self._parts if isinstance(part, _LayerPart)]
        run = record_outputs(
            lambda x: self.inner(x, training=training),
            # A model that runs inside a loop is reported as such.
            [*layers, *(model for model in models if all(model is not one for one in layers))],
            nodes={number for part in in_graphs for number in part.nodes},
            models=models,
        )
        _, record = run(inputs)
        found: OrderedDict[str, Any] = OrderedDict()
        counts: dict[str, int] = {}
        for part in self._parts:
            calls = part.calls(record)
            if not calls and part.required:
                raise ValueError(self._absence(part, record))
            for outputs in calls:
                number = counts.get(part.path, 0)
                counts[part.path] = number + 1
                found[label_call(part.path, number)] = outputs
        if not found:
            raise ValueError(self._absence(self._parts[0], record))
        return next(iter(found.values())) if self._single and len(found) == 1 else found

    def _absence(self, part: _Part, record: OutputRecord) -> str:
        """Returns why a part has no output."""
        if part.is_inside_loop(record):
            return (
                f"Model {self.name!r}: {part.path!r} runs inside a loop or another JAX "
                "transformation, so that its outputs are not available outside. Request the layer "
                "that contains it."
            )
        return f"Model {self.name!r}: {part.path!r} was not called."
