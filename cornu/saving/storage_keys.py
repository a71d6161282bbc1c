"""Storage keys: the names of weights in HDF5 files and `.keras` archives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state.tracking import VariableOwner
from cornu.core.state.variable import Variable
from cornu.names import make_unique, snake_case

__all__ = ["collect_weights_by_key"]


def collect_weights_by_key(root: VariableOwner) -> dict[str, Variable]:
    """Returns the weights of a model, layer or optimizer by storage key.

    A storage key consists of attribute names, class names within lists, and indices, as in Keras.
    It does not contain layer names, because automatic names count up within a process and so
    differ between two equal models.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3)])
    >>> list(collect_weights_by_key(model))
    ['layers/dense/vars/0', 'layers/dense/vars/1']
    """
    return dict(_iterate_owner(root, "", set()))


def _iterate_owner(
    owner: VariableOwner, prefix: str, seen: set[int]
) -> Iterator[tuple[str, Variable]]:
    if id(owner) in seen:
        return
    seen.add(id(owner))
    # A layer that occurs twice is stored once, under its first key, as in Keras.
    layer = owner if isinstance(owner, Layer) else None
    for i, variable in enumerate(layer._own_variables_() if layer else owner.variables):
        yield f"{prefix}vars/{i}", variable
    for name, part in layer._saved_attributes_() if layer else ():
        if isinstance(part, Layer):
            yield from _iterate_owner(part, f"{prefix}{name}/", seen)
        else:
            yield from _iterate_container(part, f"{prefix}{name}/", seen)


def _iterate_container(value: Any, prefix: str, seen: set[int]) -> Iterator[tuple[str, Variable]]:
    if id(value) in seen or not isinstance(value, (list, tuple, dict)):
        return
    seen.add(id(value))
    items: Iterable[Any] = value.values() if isinstance(value, dict) else value
    taken: dict[str, int] = {}
    for item in items:
        if isinstance(item, Layer):
            name = make_unique(snake_case(type(item).__name__), taken)
            yield from _iterate_owner(item, f"{prefix}{name}/", seen)
        elif isinstance(item, (list, tuple, dict)):
            yield from _iterate_container(item, f"{prefix}{make_unique('container', taken)}/", seen)
