"""Optimizers by name and from descriptions."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.optimizers.base import Optimizer
from cornu.optimizers.rules.adadelta import Adadelta
from cornu.optimizers.rules.adafactor import Adafactor
from cornu.optimizers.rules.adagrad import Adagrad
from cornu.optimizers.rules.adam import Adam, AdamW
from cornu.optimizers.rules.adamax import Adamax
from cornu.optimizers.rules.ftrl import Ftrl
from cornu.optimizers.rules.lamb import Lamb
from cornu.optimizers.rules.lion import Lion
from cornu.optimizers.rules.muon import Muon
from cornu.optimizers.rules.nadam import Nadam
from cornu.optimizers.rules.rmsprop import RMSprop
from cornu.optimizers.rules.schedule_free import ScheduleFreeAdamW
from cornu.optimizers.rules.sgd import SGD
from cornu.optimizers.wrappers.loss_scale import LossScaleOptimizer
from cornu.optimizers.wrappers.multi import MultiOptimizer, OptimizerMap
from cornu.optimizers.wrappers.optax import OptaxOptimizer, is_transformation

__all__ = ["deserialize", "get", "serialize"]

_METHODS = (
    *(Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, Muon, Nadam, RMSprop),
    *(SGD, ScheduleFreeAdamW, LossScaleOptimizer, MultiOptimizer, OptimizerMap),
)
_NAMES = {method.__name__.lower(): method.__name__ for method in _METHODS}


def get(identifier: Any) -> Any:
    """Returns the optimizer of a name (in any case), a config or an Optax transformation.

    Args:
        identifier: one of these, or an optimizer, or None, which are returned as they are.

    Raises:
        ValueError: an unknown name, or something that is no optimizer.

    Example:

    >>> type(get("adamw")).__name__, type(get({"class_name": "SGD", "config": {}})).__name__
    ('AdamW', 'SGD')
    """
    if identifier is None or isinstance(identifier, Optimizer):
        return identifier
    if is_transformation(identifier):
        return OptaxOptimizer(identifier)
    if isinstance(identifier, str):
        identifier = {"class_name": identifier, "config": {}}
    optimizer = deserialize(identifier) if isinstance(identifier, dict) else identifier
    if not isinstance(optimizer, Optimizer):
        raise ValueError(
            "An optimizer is given by its name, its config, an Optimizer object or an Optax "
            f"transformation. Received: {identifier!r}\n"
            "A learning rate goes into an optimizer: Adam(learning_rate=0.001)."
        )
    return optimizer


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Describes an optimizer as plain data, without its state."""
    return registry.serialize(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes an optimizer from what `serialize` returned."""
    name = config["class_name"]
    with registry.custom_object_scope(custom_objects):
        return registry.resolve(
            "optimizers", {**config, "class_name": _NAMES.get(name.lower(), name)}
        )
