"""Hooks around the calls of the layers that a layer owns."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from cornu.core.graph.op import Op
from cornu.core.graph.tensor import Node
from cornu.core.layer.layer import Layer
from cornu.core.state import scope

__all__ = ["around_inner_calls", "find_inner_layers"]


def find_inner_layers(layer: Layer) -> list[Layer]:
    """Returns the layers inside a layer, each once, without those of functional models."""
    found: dict[int, Layer] = {}
    pending = [layer]
    while pending:
        for inner in pending.pop()._sublayers_():
            if isinstance(inner, Layer) and id(inner) not in found:
                found[id(inner)] = inner
                if inner._graph_ is None:
                    pending.append(inner)
    return list(found.values())


@contextlib.contextmanager
def around_inner_calls(layer: Layer, around: Callable[..., Any]) -> Iterator[None]:
    """Replaces each call of a layer inside `layer` by `around(inner, call, args, kwargs)`.

    `around` returns the result of `call(*args, **kwargs)`, or a replacement with its structure.
    """
    inside = {id(inner) for inner in find_inner_layers(layer)}

    def hook(
        op: Layer | Op,
        node: Node | None,
        call: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> Any:
        if node is None and id(op) in inside:
            return around(op, call, args, kwargs)
        return call(*args, **kwargs)

    with scope.intercept_calls(hook):
        yield
