"""Pipeline: a sequence of layers as one layer."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.layers.preprocessing.base import HostArray, PreprocessingLayer
from cornu.layers.preprocessing.reading import as_array

__all__ = ["Pipeline"]


class Pipeline(PreprocessingLayer):
    """Applies layers in sequence.

    A Pipeline is a layer and not a model. It preprocesses data when it is called or mapped over a
    dataset. Outside of a model its layers run in training mode, so that augmentation is active.

    Args:
        layers: the layers, in order.
        name: the name of the layer.

    Shapes:
        input of the first layer -> output of the last layer

    Raises:
        TypeError: an element of `layers` is not a layer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> from cornu.layers import CategoryEncoding, Pipeline, StringLookup
    >>> colors = StringLookup(vocabulary=["red", "green"])
    >>> Pipeline([colors, CategoryEncoding(3, "one_hot")])(np.array(["green"])).tolist()
    [[0.0, 0.0, 1.0]]
    """

    _saved_names_ = {"_layers": "layers"}

    def __init__(self, layers: list[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        self._layers = list(layers)
        # The layers cast their inputs themselves.
        self.autocast = False
        self.supports_masking = True
        for layer in self._layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"{self._label_()}: layers must be a list of layers. It contains {layer!r}.\n"
                    "Wrap a function in a layer with Lambda(function)."
                )

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return list(self._layers)

    @property
    def _accepts_strings_(self) -> bool:  # type: ignore[override]
        """Whether the first layer accepts strings."""
        return any(layer._accepts_strings_ for layer in self._first())

    @property
    def _requires_strings_(self) -> bool:  # type: ignore[override]
        """Whether the input of the first layer consists of strings."""
        return any(layer._requires_strings_ for layer in self._first())

    def _first(self) -> list[PreprocessingLayer]:
        return [layer for layer in self._layers[:1] if isinstance(layer, PreprocessingLayer)]

    @property
    def returns_strings(self) -> bool:
        """Whether the last layer returns strings."""
        last = [layer for layer in self._layers[-1:] if isinstance(layer, PreprocessingLayer)]
        return any(layer.returns_strings for layer in last)

    def compute_output_spec(self, inputs: HostArray, **kwargs: Any) -> Any:
        """Returns a Tensor of the shape and dtype of the output."""
        for layer in self._layers:
            inputs = layer.compute_output_spec(inputs)
        return inputs

    def read(self, x: Any) -> Any:
        """Converts an argument of a call to arrays; the first layer checks its contents."""
        if isinstance(x, dict):
            return {key: self.read(part) for key, part in x.items()}
        return as_array(x, "the input")

    def call(self, inputs: HostArray, training: bool = True, mask: Any = None) -> Any:
        """Returns the output of the last layer."""
        if mask is not None:
            # A layer finds the mask of its input in this table.
            scope.current().masks.put(inputs, mask)
        for layer in self._layers:
            inputs = layer(inputs)
        return inputs
