"""`get_config` and `from_config` of optimizers of Keras 1 and 2, in the layout of the version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from cornu.legacy.keras1.class_mapping import ClassMapping, OldClass
from cornu.types import Config

__all__ = ["OptimizerConfigs", "TensorflowConfigs", "describe_optimizer"]


def describe_optimizer(mapping: ClassMapping, optimizer: Any, config: Config) -> Config:
    """Returns the config of an optimizer, with the arguments of a version.

    Args:
        mapping: the row of the class of the version.
        optimizer: the optimizer.
        config: its config of today.
    """
    if "lr" not in config:  # a class of today, which a file of the version was loaded with
        config = {**config, "clipnorm": config.get("global_clipnorm")}
    rate = float(np.asarray(optimizer.learning_rate if "lr" not in config else config["lr"]))
    given = {**config, "lr": rate, "learning_rate": rate}
    found = {k: given.get(k, p.default) for k, p in mapping.parameters.items() if k != "name"}
    return {name: value for name, value in found.items() if value is not None}


class OptimizerConfigs:
    """Mixin with the configs of a version.

    Attributes:
        _old_class_: the class of the version.
    """

    _old_class_: ClassVar[OldClass | None] = None

    def get_config(self: Any) -> Config:
        """Returns the arguments of the constructor, with their present values."""
        config: Config = super().get_config()  # type: ignore[misc]  # of the optimizer
        old_class = vars(type(self)).get("_old_class_")
        return config if old_class is None else describe_optimizer(old_class.mapping, self, config)

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates an optimizer from a config of the version, or from one of today."""
        old_class = vars(cls).get("_old_class_")
        if old_class is not None and config.keys() <= old_class.mapping.parameters.keys():
            return old_class(**config)
        return super().from_config(config, custom_objects)  # type: ignore[misc]

    def _stored_config_(self: Any) -> Config:
        if vars(type(self)).get("_old_class_") is None:
            return self.get_config()  # type: ignore[no-any-return]
        config: Config = super().get_config()  # type: ignore[misc]  # of the optimizer
        return config

    @classmethod
    def _from_stored_config_(cls, config: Config) -> Any:
        if vars(cls).get("_old_class_") is None:
            return cls.from_config(config)
        return super().from_config(config)  # type: ignore[misc]  # of the optimizer


_OF_TODAY = ("gradient_accumulation_steps", "loss_scale_factor")
# Arguments of the first versions of tf.keras 2, which its configs do not have.
_OLD_ARGUMENTS = ("decay", "lr")
_OF_TENSORFLOW = {"jit_compile": False, "is_legacy_optimizer": False}


class TensorflowConfigs(OptimizerConfigs):
    """Mixin with the configs of optimizers of tf.keras, which have the classes of today."""

    def get_config(self: Any) -> Config:
        """Returns the arguments of the constructor, with their present values."""
        config = super().get_config()
        kept = {k: v for k, v in config.items() if k not in _OF_TODAY or v is not None}
        kept = {k: v for k, v in kept.items() if k not in _OLD_ARGUMENTS}
        return {**kept, **_OF_TENSORFLOW}

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Any:
        """Creates an optimizer from a config of tf.keras, or from one of today."""
        kept = {name: value for name, value in config.items() if name not in _OF_TENSORFLOW}
        return super().from_config(kept, custom_objects)

    def _stored_config_(self: Any) -> Config:
        config: Config = super(OptimizerConfigs, self).get_config()  # type: ignore[misc]
        return config
