"""Models of Keras 2, and functions that create and load them."""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from cornu import models, registry
from cornu.dialects.keras2.implementation.configs import describe_model, make_configs
from cornu.dialects.keras2.implementation.layer_classes import (
    make_kept_layers,
    make_kinds,
    make_layers,
)
from cornu.dialects.keras2.implementation.tensorflow_methods import methods_of_models
from cornu.dialects.keras2.implementation.training import Keras2Trainer
from cornu.dialects.keras2.implementation.version import VERSIONS, Version
from cornu.dialects.layer_methods import GraphMethods
from cornu.dialects.model_configs import ModelLayout
from cornu.dialects.old_entries import record_file, record_text
from cornu.dialects.renaming import rename_arguments
from cornu.models.graph_config import build_from_graph_config, graph_config
from cornu.saving.formats.yaml_text import yaml_to_json

__all__ = ["Keras2Model", "Keras2Sequential", "make_models"]

_NAMES = {"input": "inputs", "output": "outputs"}


class Keras2Model(Keras2Trainer, models.Model, GraphMethods):  # type: ignore[misc]  # signatures
    """A functional model, or the base class of models that override `call`.

    Args:
        inputs: a tensor or a list of them.
        outputs: a tensor or a list of them.
        name: the name of the model.
    """

    def __init__(
        self, inputs: Any = None, outputs: Any = None, name: str | None = None, **kwargs: Any
    ) -> None:
        given = rename_arguments("Model", kwargs, _NAMES)
        inputs, outputs = given.pop("inputs", inputs), given.pop("outputs", outputs)
        name = name or self._version.automatic_name(_base_name(type(self), "Model"))
        if inputs is None:
            super().__init__(name=name, **given)
        else:
            super().__init__(_unwrap(inputs), _unwrap(outputs), name=name, **given)

    def _public_name_(self) -> tuple[str, str]:
        """Returns the registered name of functional models."""
        if self._graph_ is None:
            return super()._public_name_()
        return "keras.src.models.functional", "Functional"

    def _config_of_today_(self) -> dict[str, Any]:
        if self._graph_ is None:
            return super()._config_of_today_()
        graph = self._require_graph_("config")
        return {"name": self.name, "trainable": self.trainable, **graph_config(graph)}

    @classmethod
    def _from_stored_config_(cls, config: dict[str, Any]) -> Any:
        if "input_layers" not in config:
            return super()._from_stored_config_(config)
        inputs, outputs = build_from_graph_config(config)
        model = cls(inputs, outputs, config.get("name"))
        model.trainable = config.get("trainable", True)
        return model


class Keras2Sequential(Keras2Trainer, models.Sequential, GraphMethods):  # type: ignore[misc]
    """A sequence of layers.

    Args:
        layers: the layers, in order.
        name: the name of the model.
    """

    def __init__(self, layers: Any = None, name: str | None = None, trainable: bool = True) -> None:
        name = name or self._version.automatic_name(_base_name(type(self), "Sequential"))
        super().__init__(layers, trainable, name)

    @property
    def model(self) -> Keras2Sequential:
        """The model itself, an attribute that programs of Keras 1 use."""
        return self

    def predict_proba(self, x: Any, batch_size: int = 32, verbose: Any = 0) -> np.ndarray:
        """Returns the predictions, which should be probabilities."""
        probabilities: np.ndarray = self.predict(x, batch_size, verbose)
        return probabilities

    def predict_classes(self, x: Any, batch_size: int = 32, verbose: Any = 0) -> np.ndarray:
        """Returns the most probable class of each sample; for one output, whether above 0.5."""
        probabilities: np.ndarray = self.predict(x, batch_size, verbose)
        if probabilities.shape[-1] > 1:
            classes: np.ndarray = probabilities.argmax(axis=-1)
            return classes
        return (probabilities > 0.5).astype("int32")


def find_class(number: str, name: str) -> type:
    """Returns a class of models; pickles refer to this function.

    Args:
        number: the number of the version.
        name: "Model" or "Sequential".
    """
    found: type = make_models(VERSIONS[number])[name]
    return found


@functools.cache
def make_models(version: Version) -> dict[str, Any]:
    """Returns the classes and functions of `keras.models` of a version."""
    model = _make_class("Model", Keras2Model, version)
    sequential = _make_class("Sequential", Keras2Sequential, version)
    rows = {
        name: made.mapping
        for names in (*make_layers(version).values(), make_kept_layers(version))
        for name, made in names.items()
    }
    kinds = make_kinds(version)
    kinds |= {"Functional": model, "Model": model, "Sequential": sequential}
    configs = make_configs(version)
    configs.classes.update(Model=model, Sequential=sequential)
    describe = functools.partial(describe_model, version=version)
    model._layout_ = sequential._layout_ = ModelLayout(
        version.source, configs, None if version.source.is_tensorflow else describe, kinds, rows
    )

    def clone_model(
        model: Any, input_tensors: Any = None, clone_function: Any = None, **kwargs: Any
    ) -> Any:
        """Returns a model with new layers and new weights; see `cornu.models.clone_model`."""
        if input_tensors is not None or clone_function is not None or kwargs:
            return _clone_by_layers(model, input_tensors, clone_function, **kwargs)
        with registry.copy_scope():
            return type(model)._from_stored_config_(model._stored_config_())

    def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True) -> Any:
        """Loads a model from an HDF5 file of any version, or from a `.keras` archive."""
        loaded = models.load_model(filepath, {**kinds, **(custom_objects or {})}, compile)
        record_file(loaded, filepath, rows)
        return loaded

    def save_model(
        model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True
    ) -> None:
        """Writes a model to an HDF5 file or an archive."""
        model.save(filepath, overwrite, include_optimizer)

    def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
        """Creates a model from the result of `to_json()`."""
        made = models.model_from_json(json_string, {**kinds, **(custom_objects or {})})
        record_text(made, json_string, rows)
        return made

    def model_from_yaml(yaml_string: str, custom_objects: Any = None) -> Any:
        """Creates a model from YAML text."""
        return model_from_json(yaml_to_json(yaml_string, "the text"), custom_objects)

    def model_from_config(config: Any, custom_objects: Any = None) -> Any:
        """Creates a model from `{"class_name": ..., "config": ...}`."""
        with registry.custom_object_scope({**kinds, **(custom_objects or {})}):
            return registry.deserialize(config)

    return {
        "Model": model,
        "Sequential": sequential,
        "clone_model": clone_model,
        "load_model": load_model,
        "model_from_config": model_from_config,
        "model_from_json": model_from_json,
        "model_from_yaml": model_from_yaml,
        "save_model": save_model,
    }


def _clone_by_layers(model: Any, input_tensors: Any, clone_function: Any, **kwargs: Any) -> Any:
    """Returns a model of the class of the version, with a copy of each layer."""
    if isinstance(model, models.Sequential):
        cloned = models.clone_model(model, input_tensors, clone_function, **kwargs)
        first = cloned.inputs[:1] if cloned._graph_ is not None else []
        return type(model)([*first, *cloned.layers], name=model.name)
    if model._graph_ is None:  # a class of the program
        return models.clone_model(model, input_tensors, clone_function, **kwargs)
    of_today = models.Model(model.inputs, model.outputs, name=model.name)
    cloned = models.clone_model(of_today, input_tensors, clone_function, **kwargs)
    return type(model)(cloned.inputs, cloned.outputs, name=model.name)


def _make_class(name: str, base: type, version: Version) -> Any:
    members = {
        "_class_reference_": (find_class, version.number, name),
        "_version": version,
        "__doc__": base.__doc__,
        **(methods_of_models(base) if version.source.is_tensorflow else {}),
    }
    return types.new_class(name, (base,), exec_body=lambda body: body.update(members))


def _base_name(cls: type, default: str) -> str:
    """Returns the name of a class of the program, or that of the class of Keras."""
    return default if cls.__module__.startswith("cornu.") else cls.__name__


def _unwrap(tensors: Any) -> Any:
    """Returns the element of a list of length one, and other values unchanged."""
    single = isinstance(tensors, (list, tuple)) and len(tensors) == 1
    return tensors[0] if single else tensors
