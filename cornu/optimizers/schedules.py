"""Learning rates that are a function of the number of steps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu import registry, settings
from cornu.core.graph.op import unwrap
from cornu.registry import Configurable, custom_object_scope

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


class LearningRateSchedule(Configurable):
    """The base of schedules: a function of the step, counted from 0, that has a description.

    A schedule of your own defines `__call__(self, step)` with JAX operations; what its
    constructor received is remembered, so that `get_config` need not be written.

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

    category = "optimizers.schedules"

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        raise NotImplementedError(f"{type(self).__name__} must override __call__(self, step).")


class ExponentialDecay(LearningRateSchedule):
    """Computes `initial_learning_rate * decay_rate ** (step / decay_steps)`.

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: after how many steps it is multiplied by `decay_rate`.
        decay_rate: the factor.
        staircase: whether to multiply at once every `decay_steps`, not a little in each.
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
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        periods = _periods(step, self.decay_steps, whole=self.staircase)
        return self.initial_learning_rate * self.decay_rate**periods


class InverseTimeDecay(LearningRateSchedule):
    """Computes `initial_learning_rate / (1 + decay_rate * step / decay_steps)`.

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: how many steps count as 1.
        decay_rate: how fast the denominator grows.
        staircase: whether to change every `decay_steps` only.
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
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        periods = _periods(step, self.decay_steps, whole=self.staircase)
        return self.initial_learning_rate / (1 + self.decay_rate * periods)


class PiecewiseConstantDecay(LearningRateSchedule):
    """Returns `values[i]` up to and with step `boundaries[i]`, and the last value after them.

    Args:
        boundaries: increasing steps.
        values: one learning rate more than there are boundaries.
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
                f"{type(self).__name__} needs one value more than boundaries. "
                f"Received: {len(boundaries)} boundaries, {len(values)} values"
            )
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        step = jnp.asarray(unwrap(step))
        passed = (step > jnp.asarray(self.boundaries).astype(step.dtype)).sum()
        return _float(self.values)[passed]


class PolynomialDecay(LearningRateSchedule):
    """Goes from the initial to the end learning rate as a power of the steps that are left.

    (initial_learning_rate - end_learning_rate) * (1 - step / decay_steps) ** power
    + end_learning_rate

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: the steps that it takes.
        end_learning_rate: the learning rate after them.
        power: 1 for a straight line.
        cycle: whether to begin again behind the end, from a rate that is smaller each time:
            `decay_steps` is then the next of its multiples.
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
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        if self.cycle:
            cycles = -_periods(-unwrap(step), self.decay_steps, whole=True)  # rounded up
            left = 1 - _float(step) / (self.decay_steps * jnp.maximum(cycles, 1))
        else:
            left = 1 - jnp.minimum(_float(step), self.decay_steps) / self.decay_steps
        height = self.initial_learning_rate - self.end_learning_rate
        return height * left**self.power + self.end_learning_rate


class CosineDecay(LearningRateSchedule):
    """Goes down along half a wave of the cosine, after an optional straight line upwards.

    Warm-up: initial + (warmup_target - initial) * step / warmup_steps
    Decay from `top` (the warm-up's target, or the initial learning rate):
    top * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: the steps of the decay, which begins after the warm-up.
        alpha: the end learning rate, as a fraction of the top.
        name: its name.
        warmup_target: the learning rate at the end of the warm-up; None for no warm-up.
        warmup_steps: the steps of the warm-up.

    References: Ilya Loshchilov, Frank Hutter (2017), "SGDR: Stochastic gradient descent with warm
        restarts".

    Example:

    >>> rate = CosineDecay(0.0, decay_steps=10, warmup_target=1.0, warmup_steps=2)
    >>> [round(float(rate(step)), 6) for step in (0, 1, 2, 7, 12, 20)]
    [0.0, 0.5, 1.0, 0.5, 0.0, 0.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = _positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        step = _float(step)
        if self.warmup_target is None:
            return self._decayed(self.initial_learning_rate, step)
        decayed = self._decayed(self.warmup_target, step - self.warmup_steps)
        if not self.warmup_steps:
            return decayed
        climb = self.warmup_target - self.initial_learning_rate
        warming = self.initial_learning_rate + climb * step / self.warmup_steps
        return jnp.where(step < self.warmup_steps, warming, decayed)

    def _decayed(self, top: float, step: Array) -> Array:
        done = jnp.minimum(step, self.decay_steps) / self.decay_steps
        return top * ((1 - self.alpha) * _half_wave(done) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Goes down along half a wave of the cosine again and again, over longer and longer periods.

    The n-th period, from 0 on, takes `first_decay_steps * t_mul ** n` steps and begins at
    `initial_learning_rate * m_mul ** n`.

    Args:
        initial_learning_rate: the learning rate of step 0.
        first_decay_steps: the steps of the first period.
        t_mul: by how much a period is longer than the one before.
        m_mul: by how much it begins at another learning rate.
        alpha: the lowest learning rate, as a fraction of the initial one.
        name: its name.

    References: Ilya Loshchilov, Frank Hutter (2017), "SGDR: Stochastic gradient descent with warm
        restarts".

    Example:

    >>> rate = CosineDecayRestarts(1.0, first_decay_steps=10)
    >>> [round(float(rate(step)), 6) for step in (0, 5, 10, 20, 30)]
    [1.0, 0.5, 1.0, 0.5, 1.0]
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = _positive("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        done = _periods(step, self.first_decay_steps)
        if self.t_mul == 1.0:
            period = _periods(step, self.first_decay_steps, whole=True)
            done = done - period
        else:
            # The first n periods take 1 + t + ... + t**(n-1) = (1 - t**n) / (1 - t) such lengths.
            growth = _float(self.t_mul)
            period = jnp.floor(jnp.log(1 - done * (1 - growth)) / jnp.log(growth))
            length = growth**period
            done = (done - (1 - length) / (1 - growth)) / length
        top = self.m_mul**period
        return self.initial_learning_rate * ((1 - self.alpha) * top * _half_wave(done) + self.alpha)


class OneCycle(LearningRateSchedule):
    """Climbs along half a wave of the cosine to a peak, and goes down along a longer one.

    From `peak / start_divisor` up to `peak` in the first `warmup` of the steps, then down to
    `peak / end_divisor`, where it stays.

    Args:
        peak_learning_rate: the highest learning rate, such as `model.find_lr(x, y).suggestion`.
        steps: the steps of the whole cycle: those of all epochs together.
        warmup: the part of them in which the rate climbs, between 0 and 1.
        start_divisor: how many times smaller the first learning rate is.
        end_divisor: how many times smaller the last one is.
        name: its name.

    Raises:
        ValueError: `steps` or a divisor is not above 0, or `warmup` is not between 0 and 1.

    References: Leslie N. Smith, Nicholay Topin (2019), "Super-convergence: Very fast training of
        neural networks using large learning rates".

    Differences: not in Keras. The defaults are those of fastai's `fit_one_cycle`, which also lets
        the momentum go the other way; here it stays.

    Example:

    >>> rate = OneCycle(1.0, steps=100, start_divisor=20, end_divisor=1000)
    >>> [round(float(rate(step)), 6) for step in (0, 25, 100, 200)]
    [0.05, 1.0, 0.001, 0.001]
    """

    def __init__(
        self,
        peak_learning_rate: float,
        steps: int,
        warmup: float = 0.25,
        start_divisor: float = 25.0,
        end_divisor: float = 1e5,
        name: str = "OneCycle",
    ) -> None:
        if not 0 < warmup < 1:
            raise ValueError(f"warmup must be between 0 and 1. Received: {warmup}")
        self.peak_learning_rate = peak_learning_rate
        self.steps = _positive("steps", steps)
        self.warmup = warmup
        self.start_divisor = _positive("start_divisor", start_divisor)
        self.end_divisor = _positive("end_divisor", end_divisor)
        self.name = name

    def __call__(self, step: Any) -> Array:
        """Returns the learning rate of a step."""
        peak, done = self.peak_learning_rate, jnp.minimum(_float(step) / self.steps, 1.0)
        first, last = peak / self.start_divisor, peak / self.end_divisor
        climbing = peak + (first - peak) * _half_wave(done / self.warmup)
        falling = last + (peak - last) * _half_wave((done - self.warmup) / (1 - self.warmup))
        return jnp.where(done < self.warmup, climbing, falling)


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Describes a schedule as plain data."""
    return registry.serialize(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """Makes a schedule from what `serialize` returned."""
    with custom_object_scope(custom_objects):
        return registry.resolve("optimizers.schedules", config)


def _float(value: Any) -> Array:
    return jnp.asarray(unwrap(value), settings.get("floatx"))


def _periods(step: Any, steps: float, whole: bool = False) -> Array:
    if not whole:
        return _float(step) / steps
    # Not the floor of the quotient: compiled, that is a product with 1 / steps, which may lie on
    # the wrong side of a whole number.
    return _float(unwrap(step) // steps)


def _half_wave(done: Array) -> Array:
    return 0.5 * (1 + jnp.cos(math.pi * done))


def _positive(name: str, value: Any) -> Any:
    if value <= 0:
        raise ValueError(f"{name} must be above 0. Received: {value}")
    return value
