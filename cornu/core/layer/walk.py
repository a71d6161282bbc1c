"""The layers within a layer, and its attributes."""

from __future__ import annotations

from typing import Any

import jax

__all__ = ["holds_tracers", "nested_layers"]


def nested_layers(layer: Any) -> list[Any]:
    """Returns the layers that a layer owns, and those within them, without the layer itself."""
    found: list[Any] = []
    pending: list[Any] = [layer]
    while pending:
        inner = pending.pop()._sublayers_()
        found += inner
        pending += inner
    return found


def holds_tracers(layer: Any) -> bool:
    """Tells whether an attribute of a layer is a traced value."""
    leaves = jax.tree_util.tree_leaves(list(vars(layer).copy().values()))
    return any(isinstance(leaf, jax.core.Tracer) for leaf in leaves)
