"""watched: sees each call of the layers that a layer owns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state import scope

__all__ = ["find_inner_layers", "around_inner_calls"]


def find_inner_layers(layer: Layer) -> list[Layer]:
    """Returns the layers inside a layer, each once; drawn models are not looked into."""
    found: dict[int, Layer] = {}
    todo = [layer]
    while todo:
        for inner in todo.pop().sublayers():
            if isinstance(inner, Layer) and id(inner) not in found:
                found[id(inner)] = inner
                if inner.functional_graph is None:
                    todo.append(inner)
    return list(found.values())


@contextlib.contextmanager
def around_inner_calls(layer: Layer, around: Callable[..., Any]) -> Iterator[None]:
    """Calls `around(inner, call, args, kwargs)` wherever a layer inside `layer` is called.

    `around` returns what `call(*args, **kwargs)` does, or something else of that kind.
    """
    inside = {id(inner) for inner in find_inner_layers(layer)}

    def watch(op: Any, node: Any, call: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        if node is None and id(op) in inside:
            return around(op, call, args, kwargs)
        return call(*args, **kwargs)

    with scope.intercept_calls(watch):
        yield
