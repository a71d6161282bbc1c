"""Methods of models of Keras 1 and 2 that Keras 3 no longer has."""

from __future__ import annotations

from typing import Any

from cornu.core.layer.walk import nested_layers
from cornu.core.state.overridable import overridable_property
from cornu.layers import RNN, BatchNormalization, Bidirectional
from cornu.layers.regularization.base import Noise

__all__ = ["ModelMethods"]


class ModelMethods:
    """Mixin with what models of Keras 1 and 2 return about their layers."""

    @property
    def stateful(self: Any) -> bool:
        """Whether a layer keeps its states between batches."""
        return any(vars(layer).get("stateful") is True for layer in nested_layers(self))

    @overridable_property
    def uses_learning_phase(self: Any) -> bool:
        """Whether a layer, such as Dropout, computes otherwise in training."""
        kinds = (Noise, BatchNormalization)
        return any(isinstance(layer, kinds) for layer in nested_layers(self))

    def to_yaml(self: Any, **kwargs: Any) -> str:
        """Returns the layers and their connections as text; JSON is YAML, too."""
        text: str = self.to_json(**kwargs)
        return text

    def reset_states(self: Any) -> None:
        """Sets the states of all stateful layers to zero."""
        for layer in nested_layers(self):
            if isinstance(layer, RNN):
                if layer.stateful:
                    layer.reset_state()
            elif vars(layer).get("stateful") and not isinstance(layer, Bidirectional):
                layer.reset_states()  # of a class of the program
