"""watched: sees each call of the layers that a layer owns."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any

from cornu.core.layer import Layer

__all__ = ["owned", "watched"]


def owned(layer: Layer) -> list[Layer]:
    """Returns the layers inside a layer, each once; drawn models are not looked into."""
    found: dict[int, Layer] = {}
    todo = [layer]
    while todo:
        for inner in todo.pop().sublayers():
            if isinstance(inner, Layer) and id(inner) not in found:
                found[id(inner)] = inner
                if inner._drawing is None:
                    todo.append(inner)
    return list(found.values())


@contextlib.contextmanager
def watched(layer: Layer, around: Callable[..., Any]) -> Iterator[None]:
    """Calls `around(inner, call, args, kwargs)` wherever a layer inside `layer` is called.

    `around` returns what `call(*args, **kwargs)` does, or something else of that kind.
    """
    inside = owned(layer)
    for inner in inside:
        # Beside the class's own method, so that nothing of the class changes for other layers.
        inner.__dict__["call"] = functools.partial(_pass, around, inner, inner.call)
    try:
        yield
    finally:
        for inner in inside:
            inner.__dict__.pop("call", None)


def _pass(around: Any, inner: Layer, call: Any, *args: Any, **kwargs: Any) -> Any:
    return around(inner, call, args, kwargs)
