"""GraphRebuilder: traces a model again with some layers replaced; the last step of `edit`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cornu import tree
from cornu.core.graph.call_stack import override_call
from cornu.core.graph.op import record_node
from cornu.core.graph.tensor import Node, Tensor
from cornu.core.layer.layer import Layer
from cornu.core.state.variable import Variable
from cornu.errors import quantity, visible_cause
from cornu.inspect.retrace import new_input, retrace_nodes
from cornu.models.model import Model
from cornu.models.sequential import Sequential
from cornu.names import make_unique
from cornu.types import DataLike, PyTree

__all__ = ["GraphRebuilder", "Replacement"]


@dataclass
class Replacement:
    """The layers that replace a layer or op; `main` is None if it was removed."""

    before: list[Layer] = field(default_factory=list)
    main: Any = None
    after: list[Layer] = field(default_factory=list)


class GraphRebuilder:
    """Builds a modified copy of a model and of its nested models.

    Args:
        replacements: the replacement of each changed layer, by the `id` of the layer, and of each
            changed op, by the `id` of its node.
        names: new names of layers, by the `id` of the layer.
        changed: the `id` of each model that contains a change.
        weight_sources: the old layer whose weights a new layer uses, by the `id` of the new one.
    """

    def __init__(
        self,
        replacements: dict[int, Replacement],
        names: dict[int, str],
        changed: set[int],
        weight_sources: dict[int, Layer],
    ) -> None:
        self._replacements = replacements
        self._names = names
        self._changed = changed
        self._weight_sources = weight_sources
        self._rebuilt: dict[int, Any] = {}  # by the `id` of the old model

    def rebuild(self, model: Any, path: str = "") -> Any:
        """Returns the modified model, or the model itself if nothing in it changed.

        A model that is called several times is rebuilt once.

        Args:
            model: the old model.
            path: the path of the model, '' for the outermost.
        """
        if id(model) not in self._rebuilt:
            # The outermost model is rebuilt even without changes, because `build` returns another.
            if id(model) not in self._changed and path:
                self._rebuilt[id(model)] = model
            elif isinstance(model, Sequential):
                self._rebuilt[id(model)] = self._rebuild_sequential(model, path)
            else:
                self._rebuilt[id(model)] = self._rebuild_functional(model, path)
        return self._rebuilt[id(model)]

    def _rebuild_nested(self, layer: Any, path: str) -> Any:
        """Returns the layer itself, or the modified model if it is a nested model that changed."""
        if isinstance(layer, Model) and id(layer) in self._changed:
            return self.rebuild(layer, path)
        return layer

    def _rebuild_sequential(self, model: Sequential, path: str) -> Sequential:
        stack: list[Layer] = []
        places: dict[int, Node] = {}
        start = None
        if model._tensors_:
            first = model._tensors_[0]
            start = self._new_input(first, model._graph_)
            begin = self._replacements.get(id(first.node.op)) if first.node is not None else None
            stack += [] if begin is None else begin.after
        for i, layer in enumerate(model.layers):
            replacement = self._replacements.get(id(layer), Replacement(main=layer))
            main = (
                []
                if replacement.main is None
                else [self._rebuild_nested(replacement.main, _join_path(path, layer))]
            )
            made = [*replacement.before, *main, *replacement.after]
            node = model._tensors_[i + 1].node if model._tensors_ else None
            if node is not None:
                places |= {id(new): node for new in made}
            stack += made
        new = Sequential(name=model.name, trainable=model.trainable)
        # Before the layers are added, because `add` refuses a name that occurs twice.
        new._rename_layers_(self._layer_names(stack, model))
        if start is not None:
            new.add(start)
            new._declared_ = model._declared_
        for layer in stack:
            with _at_node(path, layer, places.get(id(layer))):
                new.add(layer)
                self._share_weights(layer)
        return new

    def _rebuild_functional(self, model: Model, path: str) -> Model:
        graph = model._require_graph_("graph")
        inputs = [self._new_input(tensor, graph) for tensor in graph.input_tensors]
        starts = []
        for old, start in zip(graph.input_tensors, inputs, strict=True):
            replacement = self._replacements.get(id(old.node.op)) if old.node is not None else None
            if replacement is not None and old.node is not None:
                start = self._call_layers(replacement.after, start, old.node, path)
            starts.append(start)

        def call_node(node: Node, args: Any, kwargs: Any) -> Any:
            op = node.op
            replacement = self._replacements.get(id(op) if isinstance(op, Layer) else id(node))
            if replacement is None:
                replacement = Replacement(main=op)
            if replacement.before:
                begin = _single_tensor(args[:1], node, path)
                args = (self._call_layers(replacement.before, begin, node, path), *args[1:])
            if replacement.main is None:
                outputs = _single_tensor(args or kwargs, node, path)
            elif not isinstance(replacement.main, Layer):
                with _at_node(path, op, node):
                    outputs = record_node(op, args, kwargs)
            else:
                layer = self._rebuild_nested(replacement.main, _join_path(path, op))
                if not isinstance(op, Layer):
                    args, kwargs = (_single_tensor(args or kwargs, node, path),), {}
                with _at_node(path, layer, node):
                    outputs = layer(*args, **kwargs)
                    _check_count(outputs, node)
                    self._share_weights(layer)
            if replacement.after:
                outputs = self._call_layers(
                    replacement.after, _single_tensor(outputs, node, path), node, path
                )
            return outputs

        begin = {id(old): new for old, new in zip(graph.input_tensors, starts, strict=True)}
        new = retrace_nodes(graph.nodes, begin, call_node)
        outputs = tree.map(lambda old: new[id(old)], graph.outputs)
        inputs = tree.unflatten(tree.flatten_with_treedef(graph.inputs)[1], inputs)
        made = Model(inputs, outputs, name=model.name, trainable=model.trainable)
        made._rename_layers_(self._layer_names(made._require_graph_("layers").layers, model))
        return made

    def _new_input(self, old: Tensor, graph: Any) -> Tensor:
        layer = old.node.op if old.node is not None else None
        replacement = self._replacements.get(id(layer))
        if replacement is not None and replacement.main is not layer:
            output: Tensor = replacement.main.output
            return output
        had = None if graph is None else graph.layer_names.get(id(layer))
        own = old.name if layer is None else layer.name
        return new_input(old, self._names.get(id(layer)) or had or own)

    def _call_layers(self, layers: list[Layer], x: DataLike, node: Node, path: str) -> Any:
        for layer in layers:
            with _at_node(path, layer, node):
                x = layer(x)
                self._share_weights(layer)
        return x

    def _share_weights(self, layer: Layer) -> None:
        if id(layer) in self._weight_sources:
            _share_variables(layer, self._weight_sources[id(layer)])

    def _layer_names(self, layers: Any, old: Any) -> dict[int, str]:
        """Returns the names in a new model: those requested, of the old model, or of the layers."""
        had = {} if old._graph_ is None else old._graph_.layer_names
        before = {id(new): key for key, new in self._rebuilt.items()}  # of models that were rebuilt
        keys = {id(layer): before.get(id(layer), id(layer)) for layer in layers}
        names = {i: self._names.get(key, had.get(key)) for i, key in keys.items()}
        taken = dict.fromkeys((name for name in names.values() if name is not None), 0)
        return {
            id(layer): names[id(layer)] or make_unique(layer.name, taken)
            for layer in {id(layer): layer for layer in layers}.values()
        }


@contextlib.contextmanager
def _at_node(path: str, layer: Any, node: Node | None) -> Iterator[None]:
    """Records calls with the source location of an old node, and adds its path to errors."""
    location = f"edit: {_join_path(path, layer)!r}"
    if node is not None:
        location += f", at {_join_path(path, node.op)!r}" if node.op.name != layer.name else ""
        location += f" ({node.location})"
    try:
        with (
            override_call(node.call, node.location)
            if node is not None
            else contextlib.nullcontext()
        ):
            yield
    except (TypeError, ValueError) as error:
        if str(error).startswith("edit: "):
            raise  # an inner model has located it already
        raise ValueError(f"{location} is no longer compatible: {error}") from visible_cause(error)


def _join_path(path: str, op: Any) -> str:
    return f"{path}/{op.name}" if path else op.name


def _single_tensor(value: Any, node: Node, path: str) -> Any:
    """Returns the only Tensor in a nested structure."""
    found = [leaf for leaf in tree.leaves(value) if isinstance(leaf, Tensor)]
    if len(found) != 1:
        raise ValueError(
            f"edit: {_join_path(path, node.op)!r} ({node.location}) has {len(found)} Tensors; "
            "exactly one is required here. Edit the neighboring layers instead."
        )
    return found[0]


def _check_count(outputs: PyTree, node: Node) -> None:
    made, had = len(tree.leaves(outputs)), len(node.output_tensors)
    if made != had:
        raise ValueError(f"expected {quantity(had, 'output')}, received {made}.")


def _share_variables(new: Any, old: Any) -> None:
    """Replaces the Variables of a layer by those of another layer of the same class."""
    # Without a declared input shape there are no Variables to share yet.
    if not (old.built and new.built):
        return

    def merge(mine: Any, theirs: Any) -> Any:
        if isinstance(theirs, Variable) and isinstance(mine, Variable):
            if mine.shape != theirs.shape:
                raise ValueError(
                    f"weight {mine.name!r} has shape {mine.shape} in the new layer and "
                    f"{theirs.shape} in the old one. Use `replace` for a layer with new weights."
                )
            return theirs
        if isinstance(theirs, Layer) and isinstance(mine, Layer):
            _share_variables(mine, theirs)
        elif isinstance(theirs, list) and isinstance(mine, list) and len(mine) == len(theirs):
            return [merge(a, b) for a, b in zip(mine, theirs, strict=True)]
        return mine

    attributes = vars(new)
    attributes.update(
        {k: merge(attributes[k], v) for k, v in vars(old).copy().items() if k in attributes}
    )
