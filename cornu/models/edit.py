"""edit: modified copies of models, with layers replaced, inserted, removed or renamed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cornu import registry
from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import quantity
from cornu.inspect.find import find, is_glob
from cornu.inspect.outline import Item
from cornu.layers.input import InputLayer
from cornu.models.copy_layer import copy_layer
from cornu.models.model import Model
from cornu.models.rebuild import GraphRebuilder, Replacement
from cornu.models.sequential import Sequential

__all__ = ["Editor", "edit"]


@api_boundary
def edit(model: Model) -> Editor:
    """Returns an Editor, which collects changes to a model and builds the modified model.

    The model itself is not changed. The new model shares the layers that were kept and their
    weights; it is not compiled. The type (Sequential or Functional) is preserved.

    Layers and ops are selected as in `cornu.inspect.find`: by name, by path (also into nested
    models, which are rebuilt), by a pattern such as `"block_*/conv*"`, by the layer itself, or by
    a list of these. Inserted layers can be selected by name. A change to a layer that is called
    several times applies to all its calls.

    Args:
        model: a Functional or Sequential model.

    Raises:
        ValueError: the model is neither Functional nor Sequential.

    Example:

    >>> import cornu
    >>> from cornu import layers
    >>> model = cornu.Sequential(
    ...     [
    ...         cornu.Input((8,)),
    ...         layers.Dense(16, activation="relu", name="features"),
    ...         layers.BatchNormalization(name="norm"),
    ...         layers.Dense(1000, name="top"),
    ...     ]
    ... )
    >>> new = (
    ...     cornu.models.edit(model)
    ...     .remove(["norm", "top"])
    ...     .insert_after("features", [layers.Dropout(0.5), layers.Dense(3, name="classes")])
    ...     .rename("features", "code")
    ...     .build()
    ... )
    >>> [item.name for item in cornu.inspect.find(new, "*") if item.kind == "layer"]
    ['code', 'dropout', 'classes']
    >>> new.get_layer("code") is model.get_layer("features")
    True

    Differences: not in Keras, where `model.layers.pop()` has no effect.
    """
    return Editor(model)


class Editor:
    """Changes to a model, applied in the order of the calls; see `edit`.

    Nothing is built before `build()`, so that intermediate states need not be consistent: a later
    change may restore matching shapes. Every method except `build` returns the Editor.

    Args:
        model: the model, which is not changed.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(2, name="head")])
    >>> editor = cornu.models.edit(model).replace("head", cornu.layers.Dense(5))
    >>> editor.build().output_shape
    (None, 5)
    """

    def __init__(self, model: Model) -> None:
        if model._graph_ is None and not isinstance(model, Sequential):
            raise ValueError(
                f"Model {model.name!r} cannot be edited: it was not created with Model(inputs, "
                "outputs).\nIn a model that defines `call`, assign a new layer to the attribute."
            )
        self._model = model
        self._replacements: dict[int, Replacement] = {}
        self._removed: dict[int, str] = {}  # names of replaced and removed layers and ops
        self._inserted: dict[int, Layer] = {}
        self._names: dict[int, str] = {}
        self._weight_sources: dict[int, Layer] = {}  # old layer, by the `id` of the new one
        self._renamed: dict[str, Layer] = {}
        self._changed: set[int] = set()  # ids of the models that contain a change

    # ------------------------------------------------------------------------------------ changes

    def replace(self, what: Any, new: Any) -> Editor:
        """Replaces a layer or an op by a layer.

        Args:
            what: the layers or ops to replace.
            new: a layer, or a function that maps the old layer to the new one. If one layer
                replaces several, the first uses it and the others use copies with weights of
                their own. An input is replaced by what `Input()` returns.
        """
        make_layer = self._layer_factory(new)
        for replacement, _, old in self._find_targets(what, "replace"):
            layer = make_layer(old)
            if isinstance(old, InputLayer) != isinstance(layer, InputLayer):
                raise ValueError(
                    f"replace: an Input can only be replaced by an Input. {old.name!r} is a "
                    f"{type(old).__name__}, {layer.name!r} is a {type(layer).__name__}."
                )
            self._substitute(replacement, old, layer)
            self._inserted[id(layer)] = layer
        return self

    def reconfigure(self, what: Any, **config: Any) -> Editor:
        """Changes constructor arguments of layers, which keep their names and weights.

        The weights are shared with the old model, so that their shapes must not change. A typical
        use is to change `activation="relu"` of a Dense or Conv2D layer.

        Args:
            what: the layers.
            **config: the constructor arguments to change.

        Example:

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(2, "relu", name="a")])
        >>> new = cornu.models.edit(model).reconfigure("a", activation="gelu").build()
        >>> new.get_layer("a").kernel is model.get_layer("a").kernel
        True
        """
        for replacement, _, old in list(self._find_targets(what, "reconfigure")):
            if not isinstance(old, Layer) or isinstance(old, (Model, InputLayer)):
                raise ValueError(
                    f"reconfigure: {old.name!r} has no arguments to change: it is a "
                    f"{type(old).__name__}."
                )
            with registry.copy_scope():
                old_config = registry.complete_config(old)
            new = type(old).from_config({**old_config, **config})
            self._weight_sources[id(new)] = old
            self._substitute(replacement, old, new)
            self._inserted[id(new)] = new
        return self

    def remove(self, what: Any) -> Editor:
        """Removes layers or ops; their input is passed on unchanged.

        Args:
            what: the layers or ops to remove.

        Raises:
            ValueError: one of them is an input of the model.
        """
        for replacement, _, old in self._find_targets(what, "remove"):
            if isinstance(old, InputLayer):
                raise ValueError(f"remove: {old.name!r} is an input of the model.")
            self._substitute(replacement, old, None)
        return self

    def insert_after(self, what: Any, new: Any) -> Editor:
        """Calls a layer, or a list of layers one after the other, on the output of a layer or op.

        Everything that used this output uses the output of the last new layer instead.

        Args:
            what: the layers or ops after which to insert.
            new: a layer, a list of layers, or a function that maps the preceding layer to one or
                several layers. Inserted at several positions, it is copied as in `replace`.
        """
        return self._insert(what, new, 1)

    def insert_before(self, what: Any, new: Any) -> Editor:
        """Calls a layer, or a list of layers one after the other, on the input of a layer or op.

        Other consumers of the same input are not affected.

        Args:
            what: the layers or ops before which to insert.
            new: a layer, a list of layers, or a function, as in `insert_after`.
        """
        return self._insert(what, new, 0)

    def rename(self, what: Any, new: str) -> Editor:
        """Renames a layer in the new model.

        The layer itself, which the old model shares, keeps its name: the new name is stored in
        the new model and applies to `get_layer`, paths, input and output names, and saved files.

        Args:
            what: the layer; it must be the only one that matches.
            new: its name in the new model, without "/".

        Raises:
            ValueError: several layers match, or another layer of the model has the name.
        """
        if not isinstance(new, str) or not new or "/" in new:
            raise ValueError(f"rename: a name must be a string without '/'. Received: {new!r}")
        targets = list(self._find_targets(what, "rename"))
        if len(targets) > 1:
            raise ValueError(
                f"rename: {what!r} matches {quantity(len(targets), 'layer')}; exactly one is "
                "required."
            )
        _, model, layer = targets[0]
        if not isinstance(layer, Layer):
            raise ValueError(f"rename: {what!r} is an op; only layers can be renamed.")
        taken = [self._name(model, other) for other in self._layers(model) if other is not layer]
        if new in taken:
            raise ValueError(f"rename: Model {model.name!r} already has a layer {new!r}.")
        self._names[id(layer)] = new
        self._renamed[new] = layer
        return self

    def build(self) -> Model:
        """Builds the modified model.

        Raises:
            ValueError: the layers are not compatible; the message names the layer.
        """
        rebuilder = GraphRebuilder(
            self._replacements, self._names, self._changed, self._weight_sources
        )
        made: Model = rebuilder.rebuild(self._model)
        return made

    def __repr__(self) -> str:
        return f"<Editor of {self._model.name!r}: {quantity(len(self._replacements), 'change')}>"

    # -------------------------------------------------------------------------------------- finding

    def _find_targets(self, what: Any, method: str) -> Iterator[tuple[Replacement, Any, Any]]:
        """Yields the replacement, the owning model and the layer or op for each match of `what`."""
        for one in what if isinstance(what, (list, tuple, set)) else [what]:
            one = self._renamed.get(one, one) if isinstance(one, str) else one
            inserted = self._find_inserted(one)
            if inserted is not None:
                yield inserted
                continue
            kinds = ("model", "input", "layer", "op")
            items = find(self._model, one, kinds)
            seen: set[int] = set()
            for item in items:
                key = _key(item)
                # A pattern skips what was removed before; a name that refers to it is a mistake.
                if key in seen or (is_glob(one) and key in self._removed):
                    continue
                seen.add(key)
                if key in self._removed:
                    raise ValueError(f"{method}: {item.path!r} was already replaced or removed.")
                yield self._replacement(item), self._owner_of(item, method), item.op

    def _find_inserted(self, what: Any) -> tuple[Replacement, Any, Any] | None:
        for replacement in self._replacements.values():
            for layer in [*replacement.before, replacement.main, *replacement.after]:
                if id(layer) not in self._inserted:
                    continue
                if what is layer or what == self._names.get(id(layer), layer.name):
                    return replacement, self._model, layer
        return None

    def _replacement(self, item: Item) -> Replacement:
        return self._replacements.setdefault(_key(item), Replacement(main=item.op))

    def _owner_of(self, item: Item, method: str) -> Any:
        """Returns the model that owns a layer or op, and marks all enclosing models as changed."""
        owners = [self._model if owner.parent is None else owner.op for owner in item.owners]
        for owner in owners:
            if not (
                isinstance(owner, Model)
                and (owner._is_purely_functional_ or isinstance(owner, Sequential))
            ):
                raise ValueError(
                    f"{method}: {item.path!r} cannot be edited: it is inside {owner.name!r}, a "
                    f"{type(owner).__name__} that defines `call`."
                )
            self._changed.add(id(owner))
        return owners[0]

    def _layers(self, model: Any) -> list[Layer]:
        graph = model._graph_
        layers = list(model.layers if graph is None else graph.layers)
        return [layer for layer in layers if id(layer) not in self._removed] + [
            *self._inserted.values()
        ]

    def _name(self, model: Any, layer: Layer) -> str:
        names = {} if model._graph_ is None else model._graph_.layer_names
        name: str = self._names.get(id(layer), names.get(id(layer), layer.name))
        return name

    # ------------------------------------------------------------------------------------- changing

    def _substitute(self, replacement: Replacement, old: Any, new: Any) -> None:
        if old is replacement.main:
            replacement.main = new
            self._removed |= {
                key: old.name for key, s in self._replacements.items() if s is replacement
            }
        else:
            for listed in (replacement.before, replacement.after):
                listed[:] = [new if layer is old else layer for layer in listed]
                listed[:] = [layer for layer in listed if layer is not None]
        self._inserted.pop(id(old), None)

    def _insert(self, what: Any, new: Any, behind: int) -> Editor:
        method = ("insert_before", "insert_after")[behind]
        factories = [
            self._layer_factory(one) for one in (new if isinstance(new, (list, tuple)) else [new])
        ]
        for replacement, _, old in list(self._find_targets(what, method)):
            if isinstance(old, InputLayer) and not behind:
                raise ValueError(f"insert_before: nothing comes before the input {old.name!r}.")
            made = [layer for make_layer in factories for layer in _as_list(make_layer(old))]
            self._inserted.update((id(layer), layer) for layer in made)
            if old is replacement.main:
                listed, place = (
                    (replacement.after, 0)
                    if behind
                    else (replacement.before, len(replacement.before))
                )
            else:
                listed = (
                    replacement.before
                    if any(la is old for la in replacement.before)
                    else replacement.after
                )
                place = [la is old for la in listed].index(True) + behind
            listed[place:place] = made
        return self

    def _layer_factory(self, new: Any) -> Callable[[Any], Any]:
        """Returns a function that maps each old layer to the new one."""
        if isinstance(new, Tensor) and new.node is not None and isinstance(new.node.op, InputLayer):
            new = new.node.op
        if not isinstance(new, Layer):
            if isinstance(new, type) or not callable(new):
                raise TypeError(
                    "Expected a layer, or a function from the old layer to a new one. "
                    f"Received: {new!r}"
                    + ("\nCreate an instance of it." if isinstance(new, type) else "")
                )
            function: Callable[[Any], Any] = new
            return function
        given: list[Layer] = []

        def make_layer(old: Any) -> Layer:
            given.append(new if not given else copy_layer(new))
            return given[-1]

        return make_layer


def _key(item: Item) -> int:
    # A layer is replaced in all its calls, an op (a shared function) only in this one.
    return id(item.op) if isinstance(item.op, Layer) else id(item.node)


def _as_list(layers: Any) -> list[Any]:
    return list(layers) if isinstance(layers, (list, tuple)) else [layers]
