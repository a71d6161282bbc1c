"""Weight paths: readable names of weights, made of blocks and layers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state.tracking import owning_attributes
from cornu.core.state.variable import Variable
from cornu.names import make_unique, snake_case

__all__ = ["collect_weights_by_path", "iterate_layers_by_path", "name_weights"]


def collect_weights_by_path(root: Layer) -> dict[str, Variable]:
    """Returns the weights of a model or layer by weight path.

    A path consists of the blocks that contain a layer, the name of the layer, and the name of the
    weight. Layers with automatic names are numbered within their block, so equal models have equal
    paths, even after loading or cloning. A layer that is an attribute of another layer has the
    name of the attribute. A layer that is used several times has the path of its first use.

    Example:

    >>> import cornu
    >>> def unit(x):
    ...     return cornu.layers.Dense(2)(x)
    >>> x = cornu.Input((2,))
    >>> list(collect_weights_by_path(cornu.Model(x, unit(unit(x)))))
    ['unit/dense/kernel', 'unit/dense/bias', 'unit_1/dense/kernel', 'unit_1/dense/bias']
    """
    return name_weights(iterate_layers_by_path(root))


def name_weights(layers: Iterable[tuple[str, Layer]]) -> dict[str, Variable]:
    """Returns the weights of layers by weight path, given the path prefix of each layer."""
    found: dict[str, Variable] = {}
    known: set[int] = set()
    taken: dict[str, int] = {}
    for prefix, layer in layers:
        for variable in layer._own_variables_():
            if id(variable) not in known:
                known.add(id(variable))
                found[make_unique(f"{prefix}{variable.name}", taken)] = variable
    return found


def iterate_layers_by_path(root: Layer) -> Iterator[tuple[str, Layer]]:
    """Yields a model and the layers in it, with the prefix of their weight paths."""
    yield from _iterate_layers_in(root, ())


def _iterate_layers_in(layer: Layer, prefix: tuple[str, ...]) -> Iterator[tuple[str, Layer]]:
    yield "".join(f"{name}/" for name in prefix), layer
    counts: dict[tuple[str, ...], dict[str, int]] = {}
    named: set[int] = set()
    for inner, blocks, name in _iterate_sublayers(layer):
        if id(inner) not in named:
            named.add(id(inner))
            name = make_unique(name, counts.setdefault(blocks, {}))
            yield from _iterate_layers_in(inner, (*prefix, *blocks, name))


def _iterate_sublayers(layer: Layer) -> Iterator[tuple[Layer, tuple[str, ...], str]]:
    """Yields each direct sublayer with the blocks around it and its name."""
    if layer._graph_ is not None:
        graph = layer._graph_.graph
        for node in graph.nodes:
            if isinstance(node.op, Layer):
                path = graph.path(node)
                yield node.op, tuple(path.split("/")) if path else (), _get_name(node.op)
    for name, part in owning_attributes(layer):
        if isinstance(part, Layer):
            yield part, (), layer._saved_names_.get(name, name).lstrip("_")
        else:
            yield from ((inner, (), _get_name(inner)) for inner in _iterate_layers(part))


def _iterate_layers(part: Any) -> Iterator[Layer]:
    if isinstance(part, Layer):
        yield part
    elif isinstance(part, (list, tuple, dict)):
        for item in part.values() if isinstance(part, dict) else part:
            yield from _iterate_layers(item)


def _get_name(layer: Layer) -> str:
    """Returns the name that the user chose for a layer, or the class name in snake case."""
    name: Any = layer._constructor_call_[1].get("name")
    automatic = snake_case(type(layer).__name__)
    # In a loaded or cloned model, automatic names appear as constructor arguments.
    if isinstance(name, str) and not re.fullmatch(rf"{automatic}(_\d+)?", name):
        return name
    return automatic
