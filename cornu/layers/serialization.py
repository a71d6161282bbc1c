"""Serialization of layers to and from configs."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.core.layer.layer import Layer
from cornu.core.tracebacks.api_boundary import api_boundary

__all__ = ["deserialize", "serialize"]


@api_boundary
def serialize(layer: Layer) -> dict[str, Any]:
    """

    Args:
        layer: the layer. The config does not contain its weights.

    Returns the config of a layer: a dict with its class and its constructor arguments.

    Example:

    >>> import cornu
    >>> cornu.layers.serialize(cornu.layers.Flatten())["class_name"]
    'Flatten'
    """
    config: dict[str, Any] = registry.serialize(layer)
    return config


@api_boundary
def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Layer:
    """Creates a layer from its config. The layer is not built, so it has no weights yet.

    Args:
        config: the dict returned by `serialize`.
        custom_objects: additional classes and functions by name.

    Raises:
        ValueError: the class is unknown, or is not a layer.

    Example:

    >>> import cornu
    >>> cornu.layers.deserialize(cornu.layers.serialize(cornu.layers.Dense(3))).units
    3
    """
    layer = registry.deserialize(config, custom_objects)
    if not isinstance(layer, Layer):
        raise ValueError(f"Expected the config of a layer. It describes: {layer!r}")
    return layer
