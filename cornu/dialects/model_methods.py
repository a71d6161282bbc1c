"""Methods of models of Keras 1 and 2 that Keras 3 no longer has."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from cornu.core.layer.walk import nested_layers
from cornu.core.state.overridable import overridable_property
from cornu.dialects.copies import copy_model
from cornu.layers import RNN, BatchNormalization, Bidirectional
from cornu.layers.regularization.base import Noise
from cornu.metrics.collection import parts_by_name
from cornu.training.compile.outputs import Outputs
from cornu.types import Config

__all__ = ["ModelMethods"]


class ModelMethods:
    """Mixin with what models of Keras 1 and 2 return about their layers."""

    _classes_: ClassVar[Mapping[str, Any]] = {}  # of the version, by their names in configs
    # The arguments of `compile` as files have them.
    _compiled_as_: Config | None = None

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        copy = super().__deepcopy__  # type: ignore[misc]  # of the model class
        copied = copy_model(self, lambda: copy(memo), self._classes_)
        copied._compiled_as_ = self._compiled_as_
        return copied

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
