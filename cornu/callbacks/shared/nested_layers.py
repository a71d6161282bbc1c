"""Nested layers of a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.core.layer.layer import Layer

__all__ = ["find_layers"]

Kind = TypeVar("Kind", bound=Layer)


def find_layers(model: TrainedModel | Layer, kind: type[Kind]) -> list[Kind]:
    """Returns all instances of a layer class, including nested ones, each once and in order.

    Example:

    >>> import cornu
    >>> inner = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(3, name="inside")])
    >>> outer = cornu.Sequential([cornu.Input((2,)), inner, cornu.layers.Dense(1, name="last")])
    >>> [layer.name for layer in find_layers(outer, cornu.layers.Dense)]
    ['inside', 'last']
    """
    found = {id(layer): layer for layer in _walk(model)}
    return [layer for layer in found.values() if isinstance(layer, kind)]


def _walk(layer: TrainedModel | Layer) -> Iterator[Layer]:
    for inner in layer._sublayers_():
        yield inner
        yield from _walk(inner)
