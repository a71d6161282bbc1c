"""Models of Keras 1: `Model`, `Sequential`, and the functions that load them."""

from __future__ import annotations

import json
from typing import Any, Literal

import numpy as np

from cornu import models, registry
from cornu.core.layer.layer import Layer
from cornu.dialects.keras1.configs import CONFIGS, ROWS, describe_model
from cornu.dialects.keras1.layer_classes import KINDS
from cornu.dialects.keras1.merge import Branches
from cornu.dialects.keras1.model_files import weight_layers
from cornu.dialects.keras1.structures import unwrap_single
from cornu.dialects.keras1.trainer import Keras1Trainer
from cornu.dialects.layer_methods import LayerMethods
from cornu.dialects.model_configs import ModelLayout
from cornu.dialects.old_entries import record_file, record_text
from cornu.legacy.keras1.class_mapping import automatic_name
from cornu.models.graph_config import build_from_graph_config, graph_config
from cornu.saving.formats.yaml_text import yaml_to_json

__all__ = [
    "Model",
    "Sequential",
    "load_model",
    "model_from_config",
    "model_from_json",
    "model_from_yaml",
    "save_model",
]


class Model(Keras1Trainer, models.Model, LayerMethods):  # type: ignore[misc]  # old signatures
    """A functional model.

    Args:
        input: a tensor or a list of them.
        output: a tensor or a list of them.
        name: the name of the model.
    """

    def __init__(self, input: Any, output: Any, name: str | None = None) -> None:
        super().__init__(
            unwrap_single(input), unwrap_single(output), name=name or automatic_name("Model")
        )

    def _public_name_(self) -> tuple[str, str]:
        """Returns the registered name of functional models."""
        return "keras.src.models.functional", "Functional"

    def _config_of_today_(self) -> dict[str, Any]:
        graph = self._require_graph_("config")
        return {"name": self.name, "trainable": self.trainable, **graph_config(graph)}

    @classmethod
    def _from_stored_config_(cls, config: dict[str, Any]) -> Any:
        inputs, outputs = build_from_graph_config(config)
        model = cls(inputs, outputs, config.get("name"))
        model.trainable = config.get("trainable", True)
        return model


class Sequential(Keras1Trainer, models.Sequential, LayerMethods):  # type: ignore[misc]
    """A sequence of layers.

    If the first layer is a `Merge` of models, its inputs are those of the models.

    Args:
        layers: the layers, in order.
        name: the name of the model.
    """

    def __init__(self, layers: Any = None, name: str | None = None, trainable: bool = True) -> None:
        super().__init__(layers, trainable, name or automatic_name("Sequential"))

    def _infer_input_(self, layer: Layer) -> None:
        if isinstance(layer, Branches):
            self._tensors_ = [layer.inputs()]  # type: ignore[list-item]
        else:
            super()._infer_input_(layer)

    def _config_of_today_(self) -> dict[str, Any]:
        if not (self._stack_ and isinstance(self._stack_[0], Branches)):
            return super()._config_of_today_()
        layers = [registry.serialize(layer) for layer in self._stack_]
        return {"name": self.name, "trainable": self.trainable, "layers": layers}

    def compile(  # type: ignore[override]
        self,
        optimizer: Any,
        loss: Any,
        metrics: Any = None,
        sample_weight_mode: Any = None,
        **kwargs: Any,
    ) -> None:
        """Configures training; see `Model.compile`, whose fourth argument is `loss_weights`."""
        super().compile(optimizer, loss, metrics, sample_weight_mode=sample_weight_mode, **kwargs)

    @property
    def flattened_layers(self) -> list[Layer]:
        """The layers, with those of models that are merged."""
        return weight_layers(self)

    def predict_proba(
        self, x: Any, batch_size: int = 32, verbose: Literal[0, 1, 2] = 1
    ) -> np.ndarray:
        """Returns the predictions, which should be probabilities."""
        probabilities: np.ndarray = self.predict(x, batch_size, verbose)
        return probabilities

    def predict_classes(
        self, x: Any, batch_size: int = 32, verbose: Literal[0, 1, 2] = 1
    ) -> np.ndarray:
        """Returns the most probable class of each sample; for one output, whether above 0.5."""
        probabilities: np.ndarray = self.predict(x, batch_size, verbose)
        if probabilities.shape[-1] > 1:
            classes: np.ndarray = probabilities.argmax(axis=-1)
            return classes
        return (probabilities > 0.5).astype("int32")

    def train_on_batch(  # type: ignore[override]
        self, x: Any, y: Any, class_weight: Any = None, sample_weight: Any = None
    ) -> Any:
        """Trains on one batch; the order of the weight arguments differs from `Model`."""
        return super().train_on_batch(x, y, sample_weight, class_weight)


# The classes that files name, with the methods of Keras 1.
_KINDS: dict[str, Any] = {**KINDS, "Functional": Model, "Sequential": Sequential}
CONFIGS.classes.update(Model=Model, Sequential=Sequential)
Model._layout_ = Sequential._layout_ = ModelLayout(
    LayerMethods.layout, CONFIGS, describe_model, _KINDS, ROWS
)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """Creates a model from the result of `to_json()` of a Keras 1 model."""
    model = models.model_from_json(json_string, {**_KINDS, **(custom_objects or {})})
    record_text(model, json_string, ROWS)
    return model


def load_model(filepath: Any, custom_objects: Any = None) -> Any:
    """Loads a model from an HDF5 file of any version, or from a `.keras` archive."""
    model = models.load_model(filepath, {**_KINDS, **(custom_objects or {})})
    record_file(model, filepath, ROWS)
    return model


def model_from_config(config: Any, custom_objects: Any = None) -> Any:
    """Creates a model from `{"class_name": ..., "config": ...}`."""
    return model_from_json(json.dumps(config), custom_objects)


def model_from_yaml(yaml_string: str, custom_objects: Any = None) -> Any:
    """Creates a model from the result of `to_yaml()`."""
    return model_from_json(yaml_to_json(yaml_string, "the text"), custom_objects)


def save_model(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Writes a model; see its method `save`."""
    model.save(filepath, overwrite)
