"""Wrapper: the base of layers that apply another layer."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer
from cornu.types import ShapeLike

__all__ = ["Wrapper"]


class Wrapper(Layer):
    """The base of layers that apply another layer.

    Args:
        layer: the layer to be wrapped; built with this one.
        **kwargs: passed to `Layer`.

    Raises:
        TypeError: `layer` is not a layer.
    """

    rowwise = True

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = check_layer(layer, "layer", self._label())

    def build(self, input_shape: ShapeLike | None = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True


def check_layer(layer: Any, name: str, label: str) -> Any:
    """Returns the layer; raises TypeError if it is not one."""
    if not isinstance(layer, Layer):
        raise TypeError(f"{label}: {name} must be a layer. Received: {layer!r}")
    return layer
