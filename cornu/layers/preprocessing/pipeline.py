"""Pipeline: layers one after another, as one layer."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.layer import Layer
from cornu.core.state import scope
from cornu.layers.preprocessing.base import HostArray, Preprocess
from cornu.layers.preprocessing.reading import as_array

__all__ = ["Pipeline"]


class Pipeline(Preprocess):
    """Applies layers one after another.

    A layer and not a model: for preparing data, by calling it or mapping it over a dataset.
    Outside of a model it calls its layers as in training, so that augmentation takes place.

    Args:
        layers: the layers in order.
        name: as of every layer.

    Shapes:
        those of the first layer's input -> those of the last layer's output

    Raises:
        TypeError: something among `layers` is no layer.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> from cornu.layers import CategoryEncoding, Pipeline, StringLookup
    >>> colors = StringLookup(vocabulary=["red", "green"])
    >>> Pipeline([colors, CategoryEncoding(3, "one_hot")])(np.array(["green"])).tolist()
    [[0.0, 0.0, 1.0]]
    """

    saved_names = {"_layers": "layers"}

    def __init__(self, layers: list[Layer], name: str | None = None) -> None:
        super().__init__(name=name)
        self._layers = list(layers)
        self.autocast = False
        self.supports_masking = True
        for layer in self._layers:
            if not isinstance(layer, Layer):
                raise TypeError(
                    f"{self._label()} is made of layers. Received: {layer!r} among them.\n"
                    "A function becomes a layer by Lambda(function)."
                )

    @property
    def layers(self) -> list[Layer]:
        """The layers."""
        return list(self._layers)

    @property
    def only_on_data(self) -> bool:  # type: ignore[override]
        """Whether a layer works on strings."""
        return any(layer.only_on_data for layer in self._prepares())

    @property
    def gives_strings(self) -> bool:
        """Whether the last layer gives strings."""
        return any(layer.gives_strings for layer in self._prepares() if layer is self._layers[-1])

    def _prepares(self) -> list[Preprocess]:
        return [layer for layer in self._layers if isinstance(layer, Preprocess)]

    def compute_output_spec(self, inputs: HostArray, **kwargs: Any) -> Any:
        """Returns a Tensor of the shape and dtype of the output."""
        for layer in self._layers:
            inputs = layer.compute_output_spec(inputs)
        return inputs

    def read(self, x: HostArray) -> Any:
        """Returns an argument of a call as an array; what it holds is for the layers to say."""
        return as_array(x, "the input")

    def call(self, inputs: HostArray, training: bool = True, mask: Any = None) -> Any:
        """Returns the output of the last layer."""
        if mask is not None:
            scope.current().masks.put(inputs, mask)
        for layer in self._layers:
            inputs = layer(inputs)
        return inputs
