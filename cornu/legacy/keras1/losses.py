"""The losses of compiled models of Keras 1."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.legacy.keras1 import objectives
from cornu.legacy.source import Source

__all__ = ["convert_loss"]


def convert_loss(value: Any, source: Source) -> Any:
    """Returns the losses of today for the names of losses in any structure, as data.

    Args:
        value: a name, or a list or dict of names.
        source: what wrote it.
    """
    if isinstance(value, list):
        return [convert_loss(item, source) for item in value]
    if isinstance(value, dict):
        return {name: convert_loss(item, source) for name, item in value.items()}
    if isinstance(value, str) and objectives.SHORT.get(value, value) in objectives.FUNCTIONS:
        return registry.serialize(objectives.get(value))
    return value  # a function of the program
