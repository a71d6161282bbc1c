"""edit: a model like another one, with some layers replaced, inserted, removed or renamed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from cornu.core.graph.tensor import Tensor
from cornu.core.layer.layer import Layer
from cornu.inspect.find import find, is_glob
from cornu.inspect.outline import Item
from cornu.layers.input import InputLayer
from cornu.models.model import Model
from cornu.models.rebuild import Assembly, Slot
from cornu.models.sequential import Sequential

__all__ = ["Editor", "edit"]


def edit(model: Model) -> Editor:
    """Begins to change a model: returns an Editor, whose `build()` returns the new model.

    The model itself stays as it is. The new one shares the layers that were kept, and so their
    weights; it is not compiled. A Sequential gives a Sequential, a drawn model a drawn one.

    Parts are meant as in `cornu.inspect.find`: by name, by path (also into models inside, which
    are drawn again), by a pattern such as `"block_*/conv*"`, as the layer itself, or as a list of
    these. What was inserted can be meant by its name. A change of a layer that is called several
    times holds for all its calls.

    Args:
        model: a drawn model: Functional or Sequential.

    Raises:
        ValueError: the model is not drawn.

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
    >>> [new.functional_graph.layer_names[id(layer)] for layer in new.layers]
    ['code', 'dropout', 'classes']
    >>> new.get_layer("code") is model.get_layer("features")
    True

    Differences: Keras has nothing like it; there `model.layers.pop()` has no effect.
    """
    return Editor(model)


class Editor:
    """Changes to a model, in the order in which they were asked for; see `edit`.

    Nothing is drawn before `build()`, so that what does not fit in between may be put right by
    the next change. Every method but `build` returns the Editor.
    """

    def __init__(self, model: Model) -> None:
        if model.functional_graph is None and not isinstance(model, Sequential):
            raise ValueError(
                f"Model {model.name!r} cannot be edited: it was not created with Model(inputs, "
                "outputs).\nOf a model that defines `call`, replace the attribute that holds the "
                "layer."
            )
        self._model = model
        self._slots: dict[int, Slot] = {}
        self._gone: dict[int, str] = {}  # path of what was replaced or removed
        self._added: dict[int, Layer] = {}
        self._names: dict[int, str] = {}
        self._shares: dict[int, Layer] = {}  # whose weights a new layer takes over
        self._renamed: dict[str, Layer] = {}
        self._changed: set[int] = set()  # models of which a part was changed

    # ------------------------------------------------------------------------------------ changes

    def replace(self, what: Any, new: Any) -> Editor:
        """Puts a layer in the place of another one, or of an op.

        Args:
            what: the part or parts.
            new: a layer, or a function that is given the old layer and returns the new one. Of a
                layer given for several parts, the others get copies with weights of their own.
                In the place of an input, what `Input()` returns.
        """
        give = self._giver(new)
        for slot, _, old in self._spots(what, "replace"):
            layer = give(old)
            if isinstance(old, InputLayer) != isinstance(layer, InputLayer):
                raise ValueError(
                    f"replace: an Input can only stand in the place of an Input. {old.name!r} is "
                    f"a {type(old).__name__}, {layer.name!r} a {type(layer).__name__}."
                )
            self._swap(slot, old, layer)
            self._added[id(layer)] = layer
        return self

    def reconfigure(self, what: Any, **config: Any) -> Editor:
        """Gives layers other constructor arguments; they keep their names and their weights.

        The weights stay the old model's, too, and only their shapes must still fit. This is how
        `activation="relu"` within a Dense or Conv2D becomes another one.

        Args:
            what: the part or parts.
            **config: the arguments that are to change.

        Example:

        >>> import cornu
        >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(2, "relu", name="a")])
        >>> new = cornu.models.edit(model).reconfigure("a", activation="gelu").build()
        >>> new.get_layer("a").kernel is model.get_layer("a").kernel
        True
        """
        for slot, _, old in list(self._spots(what, "reconfigure")):
            if not isinstance(old, Layer) or isinstance(old, (Model, InputLayer)):
                raise ValueError(f"reconfigure: {old.name!r} is not a layer with arguments.")
            new = type(old).from_config({**old.get_config(), **config})
            self._shares[id(new)] = old
            self._swap(slot, old, new)
            self._added[id(new)] = new
        return self

    def remove(self, what: Any) -> Editor:
        """Takes layers or ops out: what came in goes on."""
        for slot, _, old in self._spots(what, "remove"):
            if isinstance(old, InputLayer):
                raise ValueError(f"remove: {old.name!r} is an input of the model.")
            self._swap(slot, old, None)
        return self

    def insert_after(self, what: Any, new: Any) -> Editor:
        """Calls a layer (or several, in a list) on what a part returns.

        All that used the part's output uses that of the last new layer then.

        Args:
            what: the part or parts.
            new: a layer, a list of layers, or a function that is given the layer before it and
                returns one or several. For several parts there are copies, as in `replace`.
        """
        return self._insert(what, new, 1)

    def insert_before(self, what: Any, new: Any) -> Editor:
        """Calls a layer (or several, in a list) on what a part gets, for this part alone."""
        return self._insert(what, new, 0)

    def rename(self, what: Any, new: str) -> Editor:
        """Gives a layer another name in the new model.

        The layer itself, which belongs to the old model too, keeps its own: the new model has a
        name for it that counts in `get_layer`, paths, input and output names, and in files.
        """
        if not isinstance(new, str) or not new or "/" in new:
            raise ValueError(f"rename: a name is a string without '/'. Received: {new!r}")
        spots = list(self._spots(what, "rename"))
        if len(spots) > 1:
            raise ValueError(f"rename: {what!r} means {len(spots)} layers.")
        _, model, layer = spots[0]
        if not isinstance(layer, Layer):
            raise ValueError(f"rename: {what!r} is an op; only layers have names that last.")
        taken = [self._name(model, other) for other in self._layers(model) if other is not layer]
        if new in taken:
            raise ValueError(f"rename: Model {model.name!r} has a layer {new!r} already.")
        self._names[id(layer)] = new
        self._renamed[new] = layer
        return self

    def build(self) -> Model:
        """Draws the new model.

        Raises:
            ValueError: the parts do not fit together; it says where.
        """
        assembly = Assembly(self._slots, self._names, self._changed, self._shares)
        made: Model = assembly.model(self._model)
        return made

    def __repr__(self) -> str:
        return f"<Editor of {self._model.name!r}: {len(self._slots)} places changed>"

    # -------------------------------------------------------------------------------------- finding

    def _spots(self, what: Any, doing: str) -> Iterator[tuple[Slot, Any, Any]]:
        """Yields slot, model, and layer or op, for each thing that is meant."""
        for one in what if isinstance(what, (list, tuple, set)) else [what]:
            one = self._renamed.get(one, one) if isinstance(one, str) else one
            added = self._find_added(one)
            if added is not None:
                yield added
                continue
            kinds = ("model", "input", "layer", "op")
            items = find(self._model, one, kinds)
            seen: set[int] = set()
            for item in items:
                key = _key(item)
                if key in seen or (is_glob(one) and key in self._gone):
                    continue
                seen.add(key)
                if key in self._gone:
                    raise ValueError(f"{doing}: {item.path!r} was replaced or removed before.")
                yield self._slot(item), self._model_of(item, doing), item.op

    def _find_added(self, what: Any) -> tuple[Slot, Any, Any] | None:
        for slot in self._slots.values():
            for layer in [*slot.before, slot.main, *slot.after]:
                if id(layer) not in self._added:
                    continue
                if what is layer or what == self._names.get(id(layer), layer.name):
                    return slot, self._model, layer
        return None

    def _slot(self, item: Item) -> Slot:
        return self._slots.setdefault(_key(item), Slot(main=item.op))

    def _model_of(self, item: Item, doing: str) -> Any:
        """Returns the model that a part belongs to, and notes that all around it change."""
        owners = [self._model if owner.parent is None else owner.op for owner in item.owners]
        for owner in owners:
            if not (
                isinstance(owner, Model)
                and (owner.is_purely_functional or isinstance(owner, Sequential))
            ):
                raise ValueError(
                    f"{doing}: {item.path!r} is inside of {owner.name!r}, which is not drawn: a "
                    f"{type(owner).__name__} calls its layers by itself."
                )
            self._changed.add(id(owner))
        return owners[0]

    def _layers(self, model: Any) -> list[Layer]:
        drawing = model.functional_graph
        layers = list(model.layers if drawing is None else drawing.layers)
        return [layer for layer in layers if id(layer) not in self._gone] + [*self._added.values()]

    def _name(self, model: Any, layer: Layer) -> str:
        names = {} if model.functional_graph is None else model.functional_graph.layer_names
        name: str = self._names.get(id(layer), names.get(id(layer), layer.name))
        return name

    # ------------------------------------------------------------------------------------- changing

    def _swap(self, slot: Slot, old: Any, new: Any) -> None:
        if old is slot.main:
            slot.main = new
            self._gone |= {key: old.name for key, s in self._slots.items() if s is slot}
        else:
            for listed in (slot.before, slot.after):
                listed[:] = [new if layer is old else layer for layer in listed]
                listed[:] = [layer for layer in listed if layer is not None]
        self._added.pop(id(old), None)

    def _insert(self, what: Any, new: Any, behind: int) -> Editor:
        doing = ("insert_before", "insert_after")[behind]
        givers = [self._giver(one) for one in (new if isinstance(new, (list, tuple)) else [new])]
        for slot, _, old in list(self._spots(what, doing)):
            if isinstance(old, InputLayer) and not behind:
                raise ValueError(f"insert_before: nothing comes before the input {old.name!r}.")
            made = [layer for give in givers for layer in _listed(give(old))]
            self._added.update((id(layer), layer) for layer in made)
            if old is slot.main:
                listed, place = (slot.after, 0) if behind else (slot.before, len(slot.before))
            else:
                listed = slot.before if any(la is old for la in slot.before) else slot.after
                place = [la is old for la in listed].index(True) + behind
            listed[place:place] = made
        return self

    def _giver(self, new: Any) -> Callable[[Any], Any]:
        """Returns a function that gives the new layer for each old one."""
        if isinstance(new, Tensor) and new.node is not None and isinstance(new.node.op, InputLayer):
            new = new.node.op
        if not isinstance(new, Layer):
            if isinstance(new, type) or not callable(new):
                raise TypeError(
                    "A layer, or a function from the old layer to a new one, is expected. "
                    f"Received: {new!r}" + ("\nCreate it." if isinstance(new, type) else "")
                )
            function: Callable[[Any], Any] = new
            return function
        given: list[Layer] = []

        def give(old: Any) -> Layer:
            given.append(new if not given else _another(new))
            return given[-1]

        return give


def _key(item: Item) -> int:
    """Slots belong to layers, which may be called often, and to single calls of ops."""
    return id(item.op) if isinstance(item.op, Layer) else id(item.node)


def _listed(layers: Any) -> list[Any]:
    return list(layers) if isinstance(layers, (list, tuple)) else [layers]


def _another(layer: Layer) -> Layer:
    """Returns a layer with the same configuration, and a name and weights of its own."""
    config = layer.get_config()
    config.pop("name", None)
    made: Layer = type(layer).from_config(copy.deepcopy(config))
    return made
