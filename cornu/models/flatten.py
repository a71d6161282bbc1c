"""flatten: the graph of a drawn model in which the models inside are dissolved."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from cornu import ops, tree
from cornu.core.graph.block import calls_around
from cornu.core.graph.call_stack import UserCall, override_call
from cornu.core.graph.op import Op, record_node
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.layer.signature import call_signature
from cornu.core.state.dtypes import is_float
from cornu.layers.input import InputLayer
from cornu.models.functional import FunctionalGraph
from cornu.models.retrace import new_input, redraw
from cornu.names import make_unique

__all__ = ["Unfolding", "flatten", "unfolds"]


def flatten(model: Any, drawn: Any) -> Any:
    """Returns the flat model; `drawn` is the class of drawn models. See `Model.flatten`."""
    drawing = model.functional_graph
    if drawing is None:
        raise ValueError(
            f"Model {model.name!r} cannot be flattened: it was not created with "
            "Model(inputs, outputs)" + ("." if model.built else ", and is not built yet.")
        )
    unfolding = Unfolding(drawing)
    inputs = tree.unflatten(tree.flatten_with_treedef(drawing.inputs)[1], unfolding.starts)
    flat = drawn(inputs, tree.map(unfolding.tensor, drawing.outputs), name=model.name)
    flat.rename_layers(unfolding.names())
    _warn_of_frozen(unfolding.unfolded)
    return flat


def unfolds(op: Any) -> bool:
    """Tells whether a layer is a model that does what its drawing says, and no more."""
    return isinstance(op, Layer) and op.is_model and op.is_purely_functional  # type: ignore[attr-defined]


class Unfolding:
    """A drawing that is drawn again without models inside.

    Args:
        drawing: the drawing.
        keeps_nodes: whether layers remember these calls, as `layer.output` does.

    Attributes:
        starts: the new inputs.
        calls: by number of an old node, also of one inside, its new outputs for each time that
            it came to be called, in a list each.
        unfolded: the models that were dissolved.
    """

    def __init__(self, drawing: FunctionalGraph, keeps_nodes: bool = True) -> None:
        self.drawing = drawing
        self.calls: dict[int, list[list[Any]]] = {}
        self.unfolded: list[Any] = []
        self.starts = [new_input(tensor) for tensor in drawing.input_tensors]
        self._keeps_nodes = keeps_nodes
        self._found: list[tuple[tuple[str, ...], str, Layer]] = []
        self._new = self._unfold(drawing, self.starts, (), None, None)

    def tensor(self, old: Tensor) -> Tensor:
        """Returns the new Tensor of one of the outermost drawing."""
        new: Tensor = self._new[id(old)]
        return new

    def names(self) -> dict[int, str]:
        """Returns a name for each layer, by its `id`; outer layers have the first choice."""
        taken: dict[str, int] = {}
        names: dict[int, str] = {}
        for models, name, layer in sorted(self._found, key=lambda found: len(found[0])):
            if id(layer) not in names:
                clear = name if name not in taken else "_".join((*models, name))
                names[id(layer)] = make_unique(clear, taken)
        for old, new in zip(self.drawing.input_tensors, self.starts, strict=True):
            if old.node is not None and new.node is not None:
                names[id(new.node.op)] = names.get(id(old.node.op), old.node.name)
        return names

    def _unfold(
        self,
        drawing: FunctionalGraph,
        starts: Sequence[Any],
        models: tuple[str, ...],
        stage: _Stage | None,
        training: bool | None,
    ) -> dict[int, Any]:
        """Draws a drawing again; `models` are the names of those that it is in."""
        for layer in drawing.layers:
            if not models or not isinstance(layer, InputLayer):
                self._found.append((models, drawing.layer_names[id(layer)], layer))
        for old, start in zip(drawing.input_tensors, starts, strict=True):
            if old.node is not None:
                self.calls.setdefault(old.node.number, []).append([start])

        def draw(node: Node, args: Any, kwargs: Any) -> Any:
            op, call = node.op, node.call if stage is None else stage.move(node.call)
            if isinstance(op, Layer):
                kwargs = _in_phase(op, args, kwargs, training)
            if unfolds(op):
                name = drawing.layer_names[id(op)]
                outputs = self._dissolve(node, args, kwargs, (*models, name), call)
            elif isinstance(op, Layer):
                known = op._nodes
                with override_call(call, node.location):
                    outputs = op(*args, **kwargs)
                if not self._keeps_nodes:
                    op._nodes = known
            else:
                with override_call(call, node.location):
                    outputs = record_node(op, args, kwargs)
            self.calls.setdefault(node.number, []).append(tree.leaves(outputs))
            return outputs

        begin = {id(old): new for old, new in zip(drawing.input_tensors, starts, strict=True)}
        return redraw(drawing.nodes, begin, draw)

    def _dissolve(
        self, node: Node, args: Any, kwargs: Any, models: tuple[str, ...], around: UserCall | None
    ) -> Any:
        model = node.op
        drawing = model.functional_graph
        self.unfolded.append(model)
        named = dict(zip(call_signature(type(model)).names, args, strict=False)) | kwargs
        given = drawing.match(named["inputs"])
        masks = tree.leaves(named.get("mask")) if named.get("mask") is not None else []
        masks += [None] * (len(given) - len(masks))
        stage = _Stage(models[-1], node, around, drawing)
        with override_call(stage.call, node.location):
            starts = [
                _fit(value, tensor, model, mask)
                for value, tensor, mask in zip(given, drawing.input_tensors, masks, strict=True)
            ]
        new = self._unfold(drawing, starts, models, stage, named.get("training"))
        return tree.map(lambda old: new[id(old)], drawing.outputs)


class _Stage:
    """The block that a dissolved model becomes, and the blocks that were in it.

    Args:
        name: the model's name.
        node: the call of the model.
        around: the block of that call.
        drawing: the model's drawing.
    """

    def __init__(
        self, name: str, node: Node, around: UserCall | None, drawing: FunctionalGraph
    ) -> None:
        self.call = UserCall(name, around, node.location)
        self._shared = calls_around(drawing.graph.nodes, drawing.input_tensors)
        self._moved: dict[int, UserCall] = {}

    def move(self, call: UserCall | None) -> UserCall:
        """Returns the new Call of an old one; those around the whole model are left out."""
        if call is None or call.depth < self._shared:
            return self.call
        if id(call) not in self._moved:
            parent = self.move(call.parent)
            self._moved[id(call)] = UserCall(call.name, parent, call.location, call.remat)
        return self._moved[id(call)]


_same = Op("identity", lambda x: x)


def _in_phase(op: Layer, args: Any, kwargs: Any, training: bool | None) -> Any:
    """Adds the phase in which the model around was called, unless the call says its own."""
    names = call_signature(type(op)).names
    said = "training" in kwargs or "training" in names[: len(args)]
    return kwargs if training is None or said else {**kwargs, "training": training}


def _fit(value: Any, tensor: Tensor, model: Any, mask: Any) -> Any:
    """Returns what the model's input would get: of its dtype and number of axes, with its mask."""
    if not isinstance(value, Tensor):
        return value
    start: Any = value
    if model.autocast and is_float(start.dtype) and start.dtype != model.compute_dtype:
        start = ops.cast(start, model.compute_dtype)
    if start.dtype != tensor.dtype:
        start = ops.cast(start, tensor.dtype)
    if start.ndim == tensor.ndim - 1:
        start = ops.expand_dims(start, -1)
    elif start.ndim == tensor.ndim + 1:
        start = ops.squeeze(start, -1)
    mask = mask if mask is not None else value.mask
    if start.mask is not mask:
        start = record_node(_same, (start,), {}) if start is value else start
        start.mask = mask
    return start


def _warn_of_frozen(models: list[Any]) -> None:
    for model in {id(model): model for model in models}.values():
        if not model.trainable and any(layer.trainable_weights for layer in model.layers):
            warnings.warn(
                f"Model {model.name!r} is frozen, and some of its layers are not: the flat model "
                f"trains them. Set `trainable = False` on {model.name!r} again to freeze them.",
                stacklevel=4,
            )
