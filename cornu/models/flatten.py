"""flatten: a Functional model with the graphs of its nested models inlined."""

from __future__ import annotations

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
from cornu.inspect.retrace import new_input, retrace_nodes
from cornu.layers.input import InputLayer
from cornu.models.functional import FunctionalGraph
from cornu.names import make_unique
from cornu.types import PyTree

__all__ = ["InlinedGraph", "flatten", "is_inlinable"]


def flatten(model: Any, functional_class: Any) -> Any:
    """Returns the flat model, of class `functional_class`; see `Model.flatten`."""
    graph = model._graph_
    if graph is None:
        raise ValueError(
            f"Model {model.name!r} cannot be flattened: it was not created with "
            "Model(inputs, outputs)" + ("." if model.built else ", and it is not built yet.")
        )
    inlined = InlinedGraph(graph)
    inputs = tree.unflatten(tree.flatten_with_treedef(graph.inputs)[1], inlined.starts)
    flat = functional_class(inputs, tree.map(inlined.tensor, graph.outputs), name=model.name)
    flat._rename_layers_(inlined.names())
    return flat


def is_inlinable(op: Any) -> bool:
    """Whether a layer is a model whose calls compute its functional graph and nothing else."""
    return isinstance(op, Layer) and op._is_model_ and op._is_purely_functional_  # type: ignore[attr-defined]


class InlinedGraph:
    """A functional graph traced again with its nested models inlined.

    Args:
        graph: the functional graph.
        keeps_nodes: whether layers keep the new calls, which `layer.output` returns.

    Attributes:
        starts: the new inputs.
        calls: for the number of each old node, including those of nested models, a list with the
            new outputs of each of its calls.
    """

    def __init__(self, graph: FunctionalGraph, keeps_nodes: bool = True) -> None:
        self.graph = graph
        self.calls: dict[int, list[list[Any]]] = {}
        self.starts = [new_input(tensor) for tensor in graph.input_tensors]
        self._keeps_nodes = keeps_nodes
        self._layers: list[tuple[tuple[str, ...], str, Layer]] = []
        self._new = self._inline(graph, self.starts, (), None, None)

    def tensor(self, old: Tensor) -> Tensor:
        """Returns the new Tensor for a Tensor of the outermost graph."""
        new: Tensor = self._new[id(old)]
        return new

    def names(self) -> dict[int, str]:
        """Returns a unique name for each layer, by its `id`.

        Outer layers keep their names; an inner layer whose name is taken is prefixed by the names
        of its models.
        """
        taken: dict[str, int] = {}
        names: dict[int, str] = {}
        # Layers of outer models come first, and keep their names.
        for models, name, layer in sorted(self._layers, key=lambda found: len(found[0])):
            if id(layer) not in names:
                clear = name if name not in taken else "_".join((*models, name))
                names[id(layer)] = make_unique(clear, taken)
        for old, new in zip(self.graph.input_tensors, self.starts, strict=True):
            if old.node is not None and new.node is not None:
                names[id(new.node.op)] = names.get(id(old.node.op), old.node.name)
        return names

    def _inline(
        self,
        graph: FunctionalGraph,
        starts: Sequence[Any],
        models: tuple[str, ...],
        block: _InlinedBlock | None,
        training: bool | None,
    ) -> dict[int, Any]:
        """Traces a graph again; `models` are the names of the models that contain it."""
        for layer in graph.layers:
            if not models or not isinstance(layer, InputLayer):
                self._layers.append((models, graph.layer_names[id(layer)], layer))
        for old, start in zip(graph.input_tensors, starts, strict=True):
            if old.node is not None:
                self.calls.setdefault(old.node.number, []).append([start])

        def call_node(node: Node, args: Any, kwargs: Any) -> Any:
            op, call = node.op, node.call if block is None else block.moved_call(node.call)
            if isinstance(op, Layer):
                kwargs = _with_training(op, args, kwargs, training)
            if is_inlinable(op):
                name = graph.layer_names[id(op)]
                outputs = self._inline_model(node, args, kwargs, (*models, name), call)
            elif isinstance(op, Layer):
                known = op._nodes_
                with override_call(call, node.location):
                    outputs = op(*args, **kwargs)
                # The calls are temporary: with them, `layer.output` would be ambiguous.
                if not self._keeps_nodes:
                    op._nodes_ = known
            else:
                with override_call(call, node.location):
                    outputs = record_node(op, args, kwargs)
            self.calls.setdefault(node.number, []).append(tree.leaves(outputs))
            return outputs

        begin = {id(old): new for old, new in zip(graph.input_tensors, starts, strict=True)}
        return retrace_nodes(graph.nodes, begin, call_node)

    def _inline_model(
        self, node: Node, args: Any, kwargs: Any, models: tuple[str, ...], around: UserCall | None
    ) -> Any:
        model = node.op
        graph = model._graph_
        named = dict(zip(call_signature(type(model)).names, args, strict=False)) | kwargs
        given = graph.match(named["inputs"])
        masks = tree.leaves(named.get("mask")) if named.get("mask") is not None else []
        masks += [None] * (len(given) - len(masks))
        block = _InlinedBlock(models[-1], node, around, graph)
        with override_call(block.call, node.location):
            starts = [
                _convert_input(value, tensor, model, mask)
                for value, tensor, mask in zip(given, graph.input_tensors, masks, strict=True)
            ]
        new = self._inline(graph, starts, models, block, named.get("training"))
        return tree.map(lambda old: new[id(old)], graph.outputs)


class _InlinedBlock:
    """The block that an inlined model becomes, and the blocks inside it.

    Args:
        name: the model's name.
        node: the call of the model.
        around: the user call that contains this call.
        graph: the model's functional graph.
    """

    def __init__(
        self, name: str, node: Node, around: UserCall | None, graph: FunctionalGraph
    ) -> None:
        self.call = UserCall(name, around, node.location)
        self._shared = calls_around(graph.graph.nodes, graph.input_tensors)
        self._moved: dict[int, UserCall] = {}

    def moved_call(self, call: UserCall | None) -> UserCall:
        """Returns the new user call for an old one.

        Calls that contain the whole model are dropped: they belong to the code that created it.
        """
        if call is None or call.depth < self._shared:
            return self.call
        if id(call) not in self._moved:
            parent = self.moved_call(call.parent)
            self._moved[id(call)] = UserCall(call.name, parent, call.location, call.remat)
        return self._moved[id(call)]


_identity = Op("identity", lambda x: x)


def _with_training(op: Layer, args: Any, kwargs: Any, training: bool | None) -> Any:
    """Adds the `training` argument of the enclosing model, unless the call has its own."""
    names = call_signature(type(op)).names
    said = "training" in kwargs or "training" in names[: len(args)]
    return kwargs if training is None or said else {**kwargs, "training": training}


def _convert_input(value: Any, tensor: Tensor, model: Any, mask: PyTree) -> Any:
    """Converts a value as the model's input does: dtype, number of axes and mask."""
    if not isinstance(value, Tensor) or value.dtype == "string":
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
        # A Tensor of its own, because the outer graph keeps its mask.
        start = record_node(_identity, (start,), {}) if start is value else start
        start.mask = mask
    return start
