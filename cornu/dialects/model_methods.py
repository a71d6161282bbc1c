"""Methods of models of Keras 1 and 2 that Keras 3 no longer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from cornu import registry
from cornu.core.layer.walk import nested_layers
from cornu.core.state.overridable import overridable_property
from cornu.dialects.graph_configs import UnknownLayer
from cornu.dialects.layer_methods import GraphMethods
from cornu.dialects.model_configs import ModelLayout, is_of_version
from cornu.dialects.old_configs import defines_config, keep_functions
from cornu.layers import RNN, BatchNormalization, Bidirectional
from cornu.layers.regularization.base import Noise
from cornu.metrics.collection import parts_by_name
from cornu.models import Sequential
from cornu.training.compile.outputs import Outputs
from cornu.types import Config

__all__ = ["ModelMethods"]


class ModelMethods:
    """Mixin with what models of Keras 1 and 2 return about their layers."""

    _is_derived_ = True
    _layout_: ClassVar[ModelLayout]
    # The arguments of `compile` as files have them.
    _compiled_as_: Config | None = None

    def get_config(self: Any) -> Any:
        """Returns the layers and their connections in the layout of the version.

        A model with an operation, or a layer that no class of the version created, has the config
        of today.
        """
        describe = self._layout_.describe
        if describe is None or self._graph_ is None and not isinstance(self, Sequential):
            return self._config_of_today_()
        try:
            with keep_functions():
                return describe(self)["config"]
        except UnknownLayer:
            return self._config_of_today_()

    @classmethod
    def from_config(cls, config: Any, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates a model from a config of the version, or from one of today."""
        with registry.custom_object_scope(custom_objects):
            if not is_of_version(config):
                return cls._from_stored_config_(config)
            return cls._layout_.create(cls, config)

    def _config_of_today_(self) -> Config:
        config: Config = super().get_config()  # type: ignore[misc]  # of the model class
        return config

    def _stored_config_(self: Any) -> Config:
        found: Config = self.get_config() if defines_config(self) else self._config_of_today_()
        return found

    @classmethod
    def _from_stored_config_(cls, config: Config) -> Any:
        return super().from_config(config)  # type: ignore[misc]  # of the model class

    def _live_state_(self) -> Config:
        state: Config = super()._live_state_()  # type: ignore[misc]  # of the model class
        return {**state, "compiled_as": self._compiled_as_}

    def _set_live_state_(self, state: Config) -> None:
        super()._set_live_state_(state)  # type: ignore[misc]  # of the model class
        self._compiled_as_ = state.get("compiled_as")

    # Layers of today refuse these names, and precede the methods of layers of the versions.
    get_input_at = GraphMethods.get_input_at
    get_output_at = GraphMethods.get_output_at

    @property
    def stateful(self: Any) -> bool:
        """Whether a layer keeps its states between batches."""
        return any(vars(layer).get("stateful") is True for layer in nested_layers(self))

    @overridable_property
    def uses_learning_phase(self: Any) -> bool:
        """Whether a layer, such as Dropout, computes otherwise in training."""
        kinds = (Noise, BatchNormalization)
        return any(isinstance(layer, kinds) for layer in nested_layers(self))

    @property
    def metrics_names(self: Any) -> list[str]:
        """The names of the results of `evaluate`, in their order: losses come first."""
        trainer = self._trainer_
        if self._graph_ is not None and trainer.metric_set is not None:
            # The metrics of a functional model are known before it is trained.
            if trainer.outputs is None:
                trainer.outputs = Outputs(self._graph_.outputs, self._graph_.output_names)
            trainer.bind_outputs(None, None)
        names = [name for metric in self.metrics for name in parts_by_name(metric)]
        outputs = [] if trainer.outputs is None else trainer.outputs.names
        of_outputs = {f"{name}_loss" for name in outputs if len(outputs) > 1}
        return sorted(names, key=lambda name: (name != "loss", name not in of_outputs))

    def to_yaml(self: Any, **kwargs: Any) -> str:
        """Returns the layers and their connections as YAML.

        Without PyYAML, the text is JSON, which is YAML as well.

        Args:
            **kwargs: arguments of `yaml.dump`.
        """
        text: str = self.to_json()
        try:
            import yaml
        except ImportError:
            return text
        # PyYAML reads numbers such as 1e-05 of JSON as text, and writes 1.0e-05.
        written: str = yaml.safe_dump(json.loads(text), **kwargs)
        return written

    def reset_states(self: Any) -> None:
        """Sets the states of all stateful layers to zero."""
        for layer in nested_layers(self):
            if isinstance(layer, RNN):
                if layer.stateful:
                    layer.reset_state()
            elif vars(layer).get("stateful") and not isinstance(layer, Bidirectional):
                layer.reset_states()  # of a class of the program
