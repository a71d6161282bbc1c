"""The layers of a model, those inside of others too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

from cornu.core.layer.layer import Layer

__all__ = ["layers_within"]

Kind = TypeVar("Kind", bound=Layer)


def layers_within(model: Layer, kind: type[Kind]) -> list[Kind]:
    """Returns the layers of a kind, each once, in the order of the structure.

    Example:

    >>> import cornu
    >>> inner = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3, name="inside")])
    >>> outer = cornu.Sequential([cornu.Input((2,)), inner, cornu.layers.Dense(1, name="last")])
    >>> [layer.name for layer in layers_within(outer, cornu.layers.Dense)]
    ['inside', 'last']
    """
    found = {id(layer): layer for layer in _walk(model)}
    return [layer for layer in found.values() if isinstance(layer, kind)]


def _walk(layer: Any) -> Iterator[Layer]:
    for inner in layer.sublayers():
        yield inner
        yield from _walk(inner)
