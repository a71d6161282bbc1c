"""The layers within a layer."""

from __future__ import annotations

from typing import Any

__all__ = ["nested_layers"]


def nested_layers(layer: Any) -> list[Any]:
    """Returns the layers that a layer owns, and those within them, without the layer itself."""
    found: list[Any] = []
    pending: list[Any] = [layer]
    while pending:
        inner = pending.pop()._sublayers_()
        found += inner
        pending += inner
    return found
