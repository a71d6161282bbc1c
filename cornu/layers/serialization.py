"""Layers to and from plain data."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.core.layer.layer import Layer

__all__ = ["deserialize", "serialize"]


def serialize(layer: Layer) -> dict[str, Any]:
    """Describes a layer as plain data: its class and its constructor's arguments.

    Example:

    >>> import cornu
    >>> cornu.layers.serialize(cornu.layers.Flatten())["class_name"]
    'Flatten'
    """
    config: dict[str, Any] = registry.serialize(layer)
    return config


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Layer:
    """Makes a layer from what `serialize` returned; the layer is not built.

    Args:
        config: the description.
        custom_objects: classes and functions by name, beside the library's.

    Raises:
        ValueError: a class is not known, or is not a layer.

    Example:

    >>> import cornu
    >>> cornu.layers.deserialize(cornu.layers.serialize(cornu.layers.Dense(3))).units
    3
    """
    layer = registry.deserialize(config, custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(f"The config does not describe a layer, but {layer!r}.")
    return layer
