"""copy_layer: a new layer with the configuration of another."""

from __future__ import annotations

import copy

from cornu import registry
from cornu.core.layer.layer import Layer

__all__ = ["copy_layer"]


def copy_layer(layer: Layer) -> Layer:
    """Returns a layer with the same configuration, and a name and weights of its own."""
    with registry.copy_scope():
        config = registry.complete_config(layer)
    config.pop("name", None)
    # A config may contain objects of the layer, such as a list that its constructor keeps.
    new: Layer = type(layer)._from_stored_config_(copy.deepcopy(config))
    return new
