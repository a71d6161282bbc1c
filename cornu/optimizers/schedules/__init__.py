"""Learning rate schedules: functions of the number of steps."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.errors import suggest_names as _suggest_names
from cornu.optimizers.schedules.base import LearningRateLike as LearningRateLike
from cornu.optimizers.schedules.base import LearningRateSchedule
from cornu.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts, OneCycle
from cornu.optimizers.schedules.decay import (
    ExponentialDecay,
    InverseTimeDecay,
    PiecewiseConstantDecay,
    PolynomialDecay,
)
from cornu.types import Config

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "OneCycle",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]


def serialize(learning_rate_schedule: LearningRateSchedule) -> Config:
    """Returns a schedule as plain data.

    Args:
        learning_rate_schedule: the schedule.

    Example:

    >>> import cornu
    >>> schedule = cornu.optimizers.schedules.CosineDecay(0.5, 100)
    >>> cornu.optimizers.schedules.serialize(schedule)["class_name"]
    'CosineDecay'
    """
    config: Config = registry.serialize(learning_rate_schedule)
    return config


def deserialize(config: Config, custom_objects: dict[str, Any] | None = None) -> Any:
    """Creates a schedule from the result of `serialize`.

    Args:
        config: the config.
        custom_objects: classes and functions by name, in addition to registered ones.

    Raises:
        ValueError: the class is unknown.

    Example:

    >>> import cornu
    >>> schedule = cornu.optimizers.schedules.CosineDecay(0.5, decay_steps=100)
    >>> config = cornu.optimizers.schedules.serialize(schedule)
    >>> cornu.optimizers.schedules.deserialize(config).decay_steps
    100
    """
    with registry.custom_object_scope(custom_objects):
        return registry.resolve("optimizers.schedules", config)


_suggest_names(__name__, __all__)
