"""Optimizers by name and from configs."""

from __future__ import annotations

from typing import Any, overload

from cornu import registry
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.foreign import describe_replacement
from cornu.optimizers.base import Optimizer
from cornu.optimizers.wrappers.optax import OptaxOptimizer, is_transformation
from cornu.types import Config, OptimizerLike

__all__ = ["deserialize", "get", "serialize"]

_CLASSES = (
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "Muon",
    "Nadam",
    "RMSprop",
    "SGD",
    "ScheduleFreeAdamW",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "OptimizerMap",
)
_NAMES = {name.lower(): name for name in _CLASSES}


@overload
def get(identifier: None) -> None: ...


@overload
def get(identifier: OptimizerLike) -> Optimizer: ...


@api_boundary
def get(identifier: OptimizerLike | None) -> Optimizer | None:
    """Returns the optimizer for a name (case-insensitive), a config or an Optax transformation.

    Args:
        identifier: one of these; an optimizer or None is returned unchanged.

    Raises:
        ValueError: an unknown name, or an object of another type.

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
            "An optimizer must be a name, a config, an Optimizer or an Optax transformation. "
            f"Received: {identifier!r}"
            + (
                describe_replacement(identifier)
                or "\nPass a learning rate to an optimizer: Adam(learning_rate=0.001)."
            )
        )
    return optimizer


@api_boundary
def serialize(optimizer: Optimizer) -> Config:
    """Returns an optimizer as plain data, without its state.

    Args:
        optimizer: the optimizer. A learning rate that was changed is stored, steps are not.

    Example:

    >>> import cornu
    >>> config = serialize(cornu.optimizers.SGD(learning_rate=0.1))
    >>> config["class_name"], deserialize(config).momentum
    ('SGD', 0.0)
    """
    config: Config = registry.serialize(optimizer)
    return config


@api_boundary
def deserialize(config: Config, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates an optimizer from the result of `serialize`.

    Args:
        config: the config; the class name may have any case.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the class is unknown.

    Example:

    >>> import cornu
    >>> config = cornu.optimizers.serialize(cornu.optimizers.SGD(0.5))
    >>> float(cornu.optimizers.deserialize(config).learning_rate)
    0.5
    """
    name = config["class_name"]
    with registry.custom_object_scope(custom_objects):
        return registry.resolve(
            "optimizers", {**config, "class_name": _NAMES.get(name.lower(), name)}
        )
