"""outputs_of: a model that returns what some layers inside another one return."""

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
from cornu.models.flatten import Unfolding, unfolds
from cornu.models.functional import FunctionalGraph
from cornu.models.retrace import is_added_mask

__all__ = ["Recording", "outputs_of"]


def outputs_of(model: Any, what: Any, drawn: Any, recorder: Any) -> Any:
    """Returns the model of inner outputs; see `Model.outputs_of`.

    Args:
        model, what: as there.
        drawn: the class of drawn models.
        recorder: the class of models that run another and record it.
    """
    items = find(model, what)
    alone = (isinstance(what, str) and not is_glob(what)) or isinstance(what, Layer)
    if model.functional_graph is None or not all(map(_is_drawn, items)):
        return recorder(model, items, alone)
    inputs, outputs = _drawn(model.functional_graph, items, alone)
    return drawn(inputs, outputs, name=model.name)


def _is_drawn(item: Item) -> bool:
    known = item.node is not None or item.block is not None
    return known and all(unfolds(owner.op) for owner in item.owners)


def _drawn(drawing: FunctionalGraph, items: Sequence[Item], alone: bool) -> tuple[Any, Any]:
    if all(len(item.owners) == 1 for item in items):
        inputs = drawing.inputs
        named = [(label, _outputs(item, drawing)) for label, item in label_calls(items)]
    else:
        unfolding = Unfolding(drawing, keeps_nodes=False)
        inputs = tree.unflatten(tree.flatten_with_treedef(drawing.inputs)[1], unfolding.starts)
        named = list(_unfolded(items, unfolding))
    if alone and len(named) == 1:
        return inputs, named[0][1]
    return inputs, OrderedDict(named)


def _unfolded(items: Sequence[Item], unfolding: Unfolding) -> Any:
    """Yields label and outputs of each time that an item came to be called."""
    counts: dict[str, int] = {}
    for item in items:
        old = _outputs(item, item.model.functional_graph)
        first = tree.leaves(old)[0]
        for call in range(len(unfolding.calls[first.node.number])):
            number = counts.get(item.path, 0)
            counts[item.path] = number + 1

            def new(tensor: Tensor, call: int = call) -> Any:
                assert tensor.node is not None
                return unfolding.calls[tensor.node.number][call][tensor.index]

            yield label_call(item.path, number), tree.map(new, old)


def _outputs(item: Item, drawing: FunctionalGraph) -> Any:
    return item.node.outputs if item.node is not None else handed_on(item.block, drawing)


def handed_on(block: Any, drawing: FunctionalGraph) -> Any:
    """Returns the Tensor that a block gives to the rest of the model; a list if it is several."""
    found = [t for t in drawing.graph.boundary(block.nodes)[1] if not is_added_mask(t)]
    return found[0] if len(found) == 1 else found


class Recording:
    """The part of a model that runs another and returns what some of its layers returned.

    Args:
        model: the model.
        items: the parts, as `cornu.inspect.find` returns them.
        alone: whether one output is returned by itself rather than in a dict.
    """

    name: str

    def __init__(self, model: Any, items: Sequence[Item], alone: bool) -> None:
        super().__init__(name=model.name)  # type: ignore[call-arg]
        self.inner = model
        self._alone = alone
        self._layers: dict[str, Layer] = {}
        for item in items:
            if not isinstance(item.op, Layer) or item.kind == "input":
                raise ValueError(
                    f"Model {model.name!r}: what {item.path!r} returns cannot be seen, because "
                    "not all around it is drawn with Model(inputs, outputs). Ask for a layer."
                )
            if all(layer is not item.op for layer in self._layers.values()):
                self._layers[item.path] = item.op

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Runs the model; returns what its layers returned."""
        run = record_outputs(
            lambda x: self.inner(x, training=training), list(self._layers.values())
        )
        _, record = run(inputs)
        found: OrderedDict[str, Any] = OrderedDict()
        for path, layer in self._layers.items():
            for number, outputs in enumerate(self._calls(record, path, layer)):
                found[label_call(path, number)] = outputs
        return next(iter(found.values())) if self._alone and len(found) == 1 else found

    def _calls(self, record: OutputRecord, path: str, layer: Layer) -> list[Any]:
        calls = record.of(layer)
        if calls:
            return calls
        if any(known is layer for known in record.inner):
            raise ValueError(
                f"Model {self.name!r}: {path!r} runs inside a loop or another transformation of "
                "JAX, step by step, and what it returns exists there alone. Ask for the layer "
                "around it."
            )
        raise ValueError(f"Model {self.name!r}: {path!r} was not called.")
