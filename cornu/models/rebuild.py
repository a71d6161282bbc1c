"""assembly: models drawn again with other layers in some places; what `edit` ends with."""

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
from cornu.errors import visible_cause
from cornu.models.model import Model
from cornu.models.retrace import new_input, redraw
from cornu.models.sequential import Sequential
from cornu.names import make_unique

__all__ = ["Assembly", "Slot"]


@dataclass
class Slot:
    """What stands in the place of a layer or op; `main` is None if it was removed."""

    before: list[Layer] = field(default_factory=list)
    main: Any = None
    after: list[Layer] = field(default_factory=list)


class Assembly:
    """Draws a model and the models inside again.

    Args:
        slots: what stands in the place of a layer, by the `id` of it; or of an op, by that of its
            node.
        names: new names of layers, by the `id` of the layer.
        changed: the `id` of each model that is not to stay as it is.
        shares: the layer whose weights a new one takes over, by the `id` of the new one.
    """

    def __init__(
        self,
        slots: dict[int, Slot],
        names: dict[int, str],
        changed: set[int],
        shares: dict[int, Layer],
    ) -> None:
        self._slots = slots
        self._names = names
        self._changed = changed
        self._shares = shares
        self._known: dict[int, Any] = {}  # the new model of each old one

    def model(self, model: Any, path: str = "") -> Any:
        """Returns the new model in the place of one, which is the same if nothing in it changed.

        Args:
            model: the old model.
            path: where it is, '' for the outermost.
        """
        if id(model) not in self._known:
            if id(model) not in self._changed and path:
                self._known[id(model)] = model
            elif isinstance(model, Sequential):
                self._known[id(model)] = self._stacked(model, path)
            else:
                self._known[id(model)] = self._drawn(model, path)
        return self._known[id(model)]

    def _of(self, layer: Any, path: str) -> Any:
        """Returns what is to be called in the place of a layer, less what is before and after."""
        if isinstance(layer, Model) and id(layer) in self._changed:
            return self.model(layer, path)
        return layer

    def _stacked(self, model: Sequential, path: str) -> Sequential:
        stack: list[Layer] = []
        places: dict[int, Node] = {}
        start = None
        if model._tensors:
            first = model._tensors[0]
            start = self._start(first, model.functional_graph)
            begin = self._slots.get(id(first.node.op)) if first.node is not None else None
            stack += [] if begin is None else begin.after
        for i, layer in enumerate(model.layers):
            slot = self._slots.get(id(layer), Slot(main=layer))
            main = [] if slot.main is None else [self._of(slot.main, _under(path, layer))]
            made = [*slot.before, *main, *slot.after]
            node = model._tensors[i + 1].node if model._tensors else None
            if node is not None:
                places |= {id(new): node for new in made}
            stack += made
        new = Sequential(name=model.name, trainable=model.trainable)
        new.rename_layers(self._wanted(stack, model))
        if start is not None:
            new.add(start)
            new._declared = model._declared
        for layer in stack:
            with _placed(path, layer, places.get(id(layer))):
                new.add(layer)
                self._share(layer)
        return new

    def _drawn(self, model: Model, path: str) -> Model:
        drawing = model._require_graph("graph")
        inputs = [self._start(tensor, drawing) for tensor in drawing.input_tensors]
        starts = []
        for old, start in zip(drawing.input_tensors, inputs, strict=True):
            slot = self._slots.get(id(old.node.op)) if old.node is not None else None
            if slot is not None and old.node is not None:
                start = self._chain(slot.after, start, old.node, path)
            starts.append(start)

        def draw(node: Node, args: Any, kwargs: Any) -> Any:
            op = node.op
            slot = self._slots.get(id(op) if isinstance(op, Layer) else id(node))
            if slot is None:
                slot = Slot(main=op)
            if slot.before:
                begin = _single(args[:1], node, path)
                args = (self._chain(slot.before, begin, node, path), *args[1:])
            if slot.main is None:
                outputs = _single(args or kwargs, node, path)
            elif not isinstance(slot.main, Layer):
                with _placed(path, op, node):
                    outputs = record_node(op, args, kwargs)
            else:
                layer = self._of(slot.main, _under(path, op))
                if not isinstance(op, Layer):
                    args, kwargs = (_single(args or kwargs, node, path),), {}
                with _placed(path, layer, node):
                    outputs = layer(*args, **kwargs)
                    _check_count(outputs, node)
                    self._share(layer)
            if slot.after:
                outputs = self._chain(slot.after, _single(outputs, node, path), node, path)
            return outputs

        begin = {id(old): new for old, new in zip(drawing.input_tensors, starts, strict=True)}
        new = redraw(drawing.nodes, begin, draw)
        outputs = tree.map(lambda old: new[id(old)], drawing.outputs)
        inputs = tree.unflatten(tree.flatten_with_treedef(drawing.inputs)[1], inputs)
        made = Model(inputs, outputs, name=model.name, trainable=model.trainable)
        made.rename_layers(self._wanted(made._require_graph("layers").layers, model))
        return made

    def _start(self, old: Tensor, drawing: Any) -> Tensor:
        layer = old.node.op if old.node is not None else None
        slot = self._slots.get(id(layer))
        if slot is not None and slot.main is not layer:
            output: Tensor = slot.main.output
            return output
        had = None if drawing is None else drawing.layer_names.get(id(layer))
        own = old.name if layer is None else layer.name
        return new_input(old, self._names.get(id(layer)) or had or own)

    def _chain(self, layers: list[Layer], x: Any, node: Node, path: str) -> Any:
        for layer in layers:
            with _placed(path, layer, node):
                x = layer(x)
                self._share(layer)
        return x

    def _share(self, layer: Layer) -> None:
        if id(layer) in self._shares:
            _adopt(layer, self._shares[id(layer)])

    def _wanted(self, layers: Any, old: Any) -> dict[int, str]:
        """Returns the names in a new model: asked for, as in the old one, or the layers' own."""
        had = {} if old.functional_graph is None else old.functional_graph.layer_names
        before = {
            id(new): key for key, new in self._known.items()
        }  # of models that were drawn again
        keys = {id(layer): before.get(id(layer), id(layer)) for layer in layers}
        names = {i: self._names.get(key, had.get(key)) for i, key in keys.items()}
        taken = dict.fromkeys((name for name in names.values() if name is not None), 0)
        return {
            id(layer): names[id(layer)] or make_unique(layer.name, taken)
            for layer in {id(layer): layer for layer in layers}.values()
        }


@contextlib.contextmanager
def _placed(path: str, layer: Any, node: Node | None) -> Iterator[None]:
    """Draws in the place of an old node; an error says which part of which model does not fit."""
    where = f"edit: {_under(path, layer)!r}"
    if node is not None:
        where += f", at {_under(path, node.op)!r}" if node.op.name != layer.name else ""
        where += f" ({node.location})"
    try:
        with (
            override_call(node.call, node.location)
            if node is not None
            else contextlib.nullcontext()
        ):
            yield
    except (TypeError, ValueError) as error:
        if str(error).startswith("edit: "):
            raise
        raise ValueError(f"{where} does not fit any more: {error}") from visible_cause(error)


def _under(path: str, op: Any) -> str:
    return f"{path}/{op.name}" if path else op.name


def _single(value: Any, node: Node, path: str) -> Any:
    """Returns the only Tensor in nested lists, tuples and dicts."""
    found = [leaf for leaf in tree.leaves(value) if isinstance(leaf, Tensor)]
    if len(found) != 1:
        raise ValueError(
            f"edit: {_under(path, node.op)!r} ({node.location}) has {len(found)} Tensors there, "
            "and it does not follow which one is meant. Change the layers around it."
        )
    return found[0]


def _check_count(outputs: Any, node: Node) -> None:
    made, had = len(tree.leaves(outputs)), len(node.output_tensors)
    if made != had:
        raise ValueError(f"it has {made} outputs, and {had} are used.")


def _adopt(new: Any, old: Any) -> None:
    """Puts the Variables of a layer in the place of those of another one of its class."""
    if not (old.built and new.built):
        return

    def take(mine: Any, theirs: Any) -> Any:
        if isinstance(theirs, Variable) and isinstance(mine, Variable):
            if mine.shape != theirs.shape:
                raise ValueError(
                    f"its weight {mine.name!r} would have the shape {mine.shape}, and the one to "
                    f"keep has {theirs.shape}. Use `replace` for a layer with weights of its own."
                )
            return theirs
        if isinstance(theirs, Layer) and isinstance(mine, Layer):
            _adopt(mine, theirs)
        elif isinstance(theirs, list) and isinstance(mine, list) and len(mine) == len(theirs):
            return [take(a, b) for a, b in zip(mine, theirs, strict=True)]
        return mine

    held = vars(new)
    held.update({k: take(held[k], v) for k, v in vars(old).items() if k in held})
