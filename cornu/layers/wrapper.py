"""Wrapper: base class of layers that wrap another layer."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer
from cornu.foreign import describe_replacement
from cornu.types import ShapeLike

__all__ = ["Wrapper"]


class Wrapper(Layer):
    """Base class of layers that wrap another layer.

    Args:
        layer: the layer to wrap. It is built together with the wrapper.
        **kwargs: passed to `Layer`.

    Raises:
        TypeError: `layer` is not a layer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> class Twice(cornu.layers.Wrapper):
    ...     def call(self, x):
    ...         return self.layer(self.layer(x))
    >>> Twice(cornu.layers.Rescaling(3.0))(np.ones((1, 2))).tolist()
    [[9.0, 9.0]]
    """

    _rowwise_ = True

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.layer = check_layer(layer, "layer", self._label_())

    def build(self, input_shape: ShapeLike | None = None) -> None:
        """Builds the wrapped layer."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True


def check_layer(layer: Any, name: str, label: str) -> Any:
    """Returns `layer`; raises TypeError if it is not a layer."""
    if not isinstance(layer, Layer):
        raise TypeError(
            f"{label}: {name} must be a layer. Received: {layer!r}" + describe_replacement(layer)
        )
    return layer
