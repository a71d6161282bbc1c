"""Storage keys: the names of weights in HDF5 files and `.keras` archives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.names import make_unique, snake_case

__all__ = ["collect_weights_by_key", "iterate_owners"]

_CONTAINERS = (list, tuple, dict)


def collect_weights_by_key(root: VariableOwner) -> dict[str, Variable]:
    """Returns the weights of a model, layer or optimizer by storage key.

    A storage key consists of attribute names, class names within lists, and indices, as in Keras.
    It does not contain layer names, because automatic names count up within a process and so
    differ between two equal models. Weights of optimizers that belong to a model are left out.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
    >>> list(collect_weights_by_key(model))
    ['layers/dense/vars/0', 'layers/dense/vars/1']
    """
    return {
        f"{prefix}vars/{i}": variable
        for prefix, owner in iterate_owners(root)
        if owner is root or isinstance(owner, Layer)
        for i, variable in enumerate(owner._stored_variables_())
    }


def iterate_owners(
    root: VariableOwner, old: bool = False, class_names: Mapping[int, str] | None = None
) -> Iterator[tuple[str, VariableOwner]]:
    """Yields a model, its layers and optimizers, each once, with the prefix of its storage keys.

    Args:
        root: a model, layer or optimizer.
        old: whether a Functional model in a list is called `model`, as in files that earlier
            versions of cornu wrote, and not `functional`.
        class_names: class names by the `id` of the object, where the file has others.
    """
    yield from _OwnerWalk(old, class_names or {}).iterate(root, "")


class _OwnerWalk:
    """One walk through the attributes of a model, which visits each object once."""

    def __init__(self, old: bool, class_names: Mapping[int, str]) -> None:
        self._old = old
        self._class_names = class_names
        # The objects by `id`: they are kept, because the `id` of an object that is deleted, such as
        # a list that a property returned, may become that of another one.
        self._seen: dict[int, Any] = {}

    def iterate(self, owner: VariableOwner, prefix: str) -> Iterator[tuple[str, VariableOwner]]:
        if self._is_seen(owner):
            return
        yield prefix, owner
        for name, part in owner._saved_attributes_():
            if _is_stored(part):
                yield from self.iterate(part, f"{prefix}{name}/")
            elif isinstance(part, _CONTAINERS):
                yield from self._iterate_container(part, f"{prefix}{name}/")

    def _iterate_container(
        self, value: list[Any] | tuple[Any, ...] | dict[Any, Any], prefix: str
    ) -> Iterator[tuple[str, VariableOwner]]:
        if self._is_seen(value):
            return
        items: Iterable[Any] = value.values() if isinstance(value, dict) else value
        taken: dict[str, int] = {}
        for item in items:
            if _is_stored(item):
                name = make_unique(self._class_name(item), taken)
                yield from self.iterate(item, f"{prefix}{name}/")
            elif isinstance(item, _CONTAINERS):
                name = make_unique("container", taken)
                yield from self._iterate_container(item, f"{prefix}{name}/")

    def _class_name(self, item: VariableOwner) -> str:
        name = type(item).__name__ if self._old else item._storage_class_name_()
        return snake_case(self._class_names.get(id(item), name))

    def _is_seen(self, value: Any) -> bool:
        seen = id(value) in self._seen
        self._seen[id(value)] = value
        return seen


def _is_stored(value: Any) -> bool:
    return isinstance(value, VariableOwner) and value._category_ in ("layers", "optimizers")
