"""Schedules that decay exponentially, inversely, in pieces, or as a polynomial."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

from cornu.core.graph.op import unwrap
from cornu.errors import quantity
from cornu.optimizers.schedules.base import (
    LearningRateSchedule,
    Step,
    check_positive,
    count_periods,
    to_floatx,
)

__all__ = ["ExponentialDecay", "InverseTimeDecay", "PiecewiseConstantDecay", "PolynomialDecay"]


class ExponentialDecay(LearningRateSchedule):
    """Computes `initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: the number of steps after which it is multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: whether the rate changes only every `decay_steps` steps, not in each step.
        name: its name.

    Example:

    >>> rate = ExponentialDecay(0.5, decay_steps=10, decay_rate=0.5)
    >>> [float(rate(step)) for step in (0, 10, 20)]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "ExponentialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        periods = count_periods(step, self.decay_steps, whole=self.staircase)
        return self.initial_learning_rate * self.decay_rate**periods


class InverseTimeDecay(LearningRateSchedule):
    """Computes `initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: the number of steps that count as 1.
        decay_rate: the growth of the denominator per `decay_steps` steps.
        staircase: whether the rate changes only every `decay_steps` steps, not in each step.
        name: its name.

    Example:

    >>> rate = InverseTimeDecay(0.5, decay_steps=1, decay_rate=0.5)
    >>> [float(rate(step)) for step in (0, 2, 6)]
    [0.5, 0.25, 0.125]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str = "InverseTimeDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        periods = count_periods(step, self.decay_steps, whole=self.staircase)
        return self.initial_learning_rate / (1 + self.decay_rate * periods)


class PiecewiseConstantDecay(LearningRateSchedule):
    """Returns `values[i]` up to and including step `boundaries[i]`, then the last value.

    Args:
        boundaries: steps, in ascending order.
        values: learning rates, one more than boundaries.
        name: its name.

    Example:

    >>> rate = PiecewiseConstantDecay([10, 20], [1.0, 0.5, 0.25])
    >>> [float(rate(step)) for step in (0, 10, 11, 21)]
    [1.0, 1.0, 0.5, 0.25]
    """

    def __init__(
        self, boundaries: Sequence[float], values: Sequence[float], name: str = "PiecewiseConstant"
    ) -> None:
        if len(boundaries) != len(values) - 1:
            raise ValueError(
                f"{type(self).__name__}: expected one value more than boundaries. "
                f"Received: {quantity(len(boundaries), 'boundary')}, "
                f"{quantity(len(values), 'value')}"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        step = jnp.asarray(unwrap(step))
        passed = (step > jnp.asarray(self.boundaries).astype(step.dtype)).sum()
        return to_floatx(self.values)[passed]


class PolynomialDecay(LearningRateSchedule):
    """Decays from the initial to the end learning rate as a power of the remaining steps.

    (initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power
    + end_learning_rate

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: the number of steps of the decay.
        end_learning_rate: the learning rate after them.
        power: the exponent; 1 for a linear decay.
        cycle: whether to restart after the end, each time from a smaller rate: `decay_steps` is
            then replaced by its next multiple.
        name: its name.

    Example:

    >>> rate = PolynomialDecay(1.0, decay_steps=10, end_learning_rate=0.0)
    >>> [float(rate(step)) for step in (0, 5, 10, 15)]
    [1.0, 0.5, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str = "PolynomialDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        if self.cycle:
            cycles = -count_periods(-unwrap(step), self.decay_steps, whole=True)  # the ceiling
            left = 1 - to_floatx(step) / (self.decay_steps * jnp.maximum(cycles, 1))
        else:
            left = 1 - jnp.minimum(to_floatx(step), self.decay_steps) / self.decay_steps
        span = self.initial_learning_rate - self.end_learning_rate
        rate: Array = span * left**self.power + self.end_learning_rate
        return rate
