"""LearningRateSchedule: the base of schedules, and what they share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

import jax.numpy as jnp
from jax import Array

from cornu import settings
from cornu.core.graph.op import unwrap
from cornu.registry import Configurable
from cornu.types import ArrayLike

if TYPE_CHECKING:
    from cornu.core.state.variable import Variable

__all__ = [
    "FunctionSchedule",
    "LearningRateLike",
    "LearningRateSchedule",
    "Step",
    "check_positive",
    "count_periods",
    "half_cosine",
    "to_floatx",
]

# The number of steps made so far: a Python number, an array or a Variable.
Step: TypeAlias = "int | float | Array | Variable"


class LearningRateSchedule(Configurable):
    """Base of schedules: a function of the step, counted from 0, that can be serialized.

    A schedule of your own defines `__call__(self, step)` with JAX operations. The arguments of
    its constructor are captured, so that `get_config` need not be written.

    Example:

    >>> class Warmup(LearningRateSchedule):
    ...     def __init__(self, target, steps):
    ...         self.target, self.steps = target, steps
    ...
    ...     def __call__(self, step):
    ...         return self.target * jnp.minimum(1.0, (step + 1) / self.steps)
    >>> float(Warmup(0.5, steps=4)(1)), Warmup(0.5, steps=4).get_config()
    (0.25, {'target': 0.5, 'steps': 4})
    """

    _category_ = "optimizers.schedules"

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        raise NotImplementedError(f"{type(self).__name__} must override __call__(self, step).")


class FunctionSchedule(LearningRateSchedule):
    """Schedule given by a function of the step, such as one of Optax.

    Args:
        function: a function `(step) -> learning rate`.

    Example:

    >>> schedule = FunctionSchedule(lambda step: 0.1 / (1 + step))
    >>> [round(float(schedule(step)), 4) for step in (0, 1)]
    [0.1, 0.05]

    Differences: not in Keras.
    """

    def __init__(self, function: Callable[[Any], ArrayLike]) -> None:
        self.function = function

    def __call__(self, step: Step) -> Array:
        """Returns the result of the function."""
        return to_floatx(self.function(unwrap(step)))


# What an optimizer accepts as learning_rate: a number, a schedule, or a function that returns one.
LearningRateLike: TypeAlias = "float | Array | Variable | LearningRateSchedule | Callable[..., Any]"


def to_floatx(value: Any) -> Array:
    """Converts numbers to an array of the process-wide float type."""
    return jnp.asarray(unwrap(value), settings.get("floatx"))


def count_periods(step: Step, steps: float, whole: bool = False) -> Array:
    """Returns the number of periods of `steps` steps before a step, as a float.

    Args:
        step: the step.
        steps: the length of a period.
        whole: whether to count whole periods only.
    """
    if not whole:
        return to_floatx(step) / steps
    # Not the floor of the quotient: XLA compiles a division by a constant to a product with its
    # reciprocal, which may be on the wrong side of a whole number.
    return to_floatx(unwrap(step) // steps)


def half_cosine(fraction: Array) -> Array:
    """Returns half a period of the cosine, scaled to decrease from 1 at 0 to 0 at 1."""
    return 0.5 * (1 + jnp.cos(math.pi * fraction))


def check_positive(name: str, value: Any) -> Any:
    """Returns an argument, if it is greater than 0."""
    if value <= 0:
        raise ValueError(f"{name} must be greater than 0. Received: {value}")
    return value
