"""Configs of models in the layouts of Keras 1 and 2, and models from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cornu import registry
from cornu.dialects.old_configs import OldConfigs
from cornu.dialects.old_entries import record_entries
from cornu.legacy.conversion import convert_model
from cornu.legacy.keras1.class_mapping import ClassMapping, OldClass
from cornu.legacy.source import Source
from cornu.types import Config

__all__ = ["ModelLayout", "is_of_version"]


def is_of_version(config: Any) -> bool:
    """Returns whether the config of a model is one of Keras 1 or 2, not one of today."""
    if not isinstance(config, Mapping):
        return True
    entries = config.get("layers", [])
    return not any("module" in entry for entry in entries)


@dataclass(frozen=True)
class ModelLayout:
    """The layout of the configs of models of a version.

    Attributes:
        source: the version.
        configs: the layout of the configs of its layers.
        describe: returns the class and the config of a model; None if those of today are used, as
            for tf.keras.
        kinds: the classes of the version for the names of today.
        rows: the rows of the layers of the version.
    """

    source: Source
    configs: OldConfigs
    describe: Callable[[Any], Config] | None
    kinds: Mapping[str, Any]
    rows: Mapping[str, ClassMapping]

    def create(self, cls: Any, config: Any) -> Any:
        """Returns a model for a config of the version.

        Args:
            cls: the class of the model.
            config: the config; a list for a Sequential of Keras 1.
        """
        if isinstance(config, list):
            config = {"layers": config}
        if "input_layers" not in config:
            layers = [self.configs.create_layer(entry) for entry in config["layers"]]
            return cls(layers, name=config.get("name"))
        converted = convert_model({"class_name": "Model", "config": config}, self.source)["config"]
        for old, entry in zip(config["layers"], converted["layers"], strict=True):
            old_class = self.configs.classes.get(old["class_name"])
            if isinstance(old_class, OldClass):
                target = registry.find("layers", entry["class_name"])
                entry[registry.CLASS] = old_class.class_for(target)
        found = registry.get_registered_object
        kinds = {name: kind for name, kind in self.kinds.items() if found(name) is None}
        with registry.custom_object_scope(kinds):
            model = cls._from_stored_config_(converted)
        record_entries(model.layers, config, self.rows)
        return model
