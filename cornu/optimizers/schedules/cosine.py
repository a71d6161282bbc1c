"""Schedules that follow the cosine: decay, restarts, and one cycle."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.schedules.base import (
    LearningRateSchedule,
    Step,
    check_positive,
    count_periods,
    half_cosine,
    to_floatx,
)

__all__ = ["CosineDecay", "CosineDecayRestarts", "OneCycle"]


class CosineDecay(LearningRateSchedule):
    """Decays along half a period of the cosine, after an optional linear warm-up.

    Warm-up: initial + (warmup_target - initial) * step / warmup_steps
    Decay from `top` (the warm-up's target, or the initial learning rate):
    top * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha)

    Args:
        initial_learning_rate: the learning rate of step 0.
        decay_steps: the number of steps of the decay, which starts after the warm-up.
        alpha: the final learning rate, as a fraction of the top.
        name: its name.
        warmup_target: the learning rate at the end of the warm-up; None for no warm-up.
        warmup_steps: the number of steps of the warm-up.

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
        self.decay_steps = check_positive("decay_steps", decay_steps)
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        step = to_floatx(step)
        if self.warmup_target is None:
            return self._decay(self.initial_learning_rate, step)
        decayed = self._decay(self.warmup_target, step - self.warmup_steps)
        if not self.warmup_steps:
            return decayed
        rise = self.warmup_target - self.initial_learning_rate
        warming = self.initial_learning_rate + rise * step / self.warmup_steps
        return jnp.where(step < self.warmup_steps, warming, decayed)

    def _decay(self, top: float, step: Array) -> Array:
        done = jnp.minimum(step, self.decay_steps) / self.decay_steps
        return top * ((1 - self.alpha) * half_cosine(done) + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Decays along half a period of the cosine repeatedly, over longer and longer periods.

    The n-th period, counted from 0, takes `first_decay_steps * t_mul ** n` steps and starts at
    `initial_learning_rate * m_mul ** n`.

    Args:
        initial_learning_rate: the learning rate of step 0.
        first_decay_steps: the number of steps of the first period.
        t_mul: the length of a period relative to the one before.
        m_mul: the initial learning rate of a period relative to the one before.
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
        self.first_decay_steps = check_positive("first_decay_steps", first_decay_steps)
        self.t_mul = t_mul
        self.m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        done = count_periods(step, self.first_decay_steps)
        if self.t_mul == 1.0:
            # The formula for growing periods would divide by log(1).
            period = count_periods(step, self.first_decay_steps, whole=True)
            done = done - period
        else:
            # The first n periods take 1 + t + ... + t**(n-1) = (1 - t**n) / (1 - t) such lengths.
            growth = to_floatx(self.t_mul)
            period = jnp.floor(jnp.log(1 - done * (1 - growth)) / jnp.log(growth))
            length = growth**period
            done = (done - (1 - length) / (1 - growth)) / length
        top = self.m_mul**period
        return self.initial_learning_rate * (
            (1 - self.alpha) * top * half_cosine(done) + self.alpha
        )


class OneCycle(LearningRateSchedule):
    """Rises along half a period of the cosine to a peak, and decays along a longer one.

    The rate rises from `peak / start_divisor` to `peak` in the first `warmup` of the steps, then
    decays to `peak / end_divisor`, where it stays.

    Args:
        peak_learning_rate: the highest learning rate, such as `model.find_lr(x, y).suggestion`.
        steps: the number of steps of the cycle, that is, of all epochs together.
        warmup: the fraction of them in which the rate rises, between 0 and 1.
        start_divisor: the peak divided by the first learning rate.
        end_divisor: the peak divided by the last learning rate.
        name: its name.

    Raises:
        ValueError: `steps` or a divisor is not greater than 0, or `warmup` is not between 0 and 1.

    References: Leslie N. Smith, Nicholay Topin (2019), "Super-convergence: Very fast training of
        neural networks using large learning rates".

    Differences: not in Keras. The defaults are those of fastai's `fit_one_cycle`, which also
        varies the momentum inversely; here it is constant.

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
        self.steps = check_positive("steps", steps)
        self.warmup = warmup
        self.start_divisor = check_positive("start_divisor", start_divisor)
        self.end_divisor = check_positive("end_divisor", end_divisor)
        self.name = name

    def __call__(self, step: Step) -> Array:
        """Returns the learning rate of a step."""
        peak, done = self.peak_learning_rate, jnp.minimum(to_floatx(step) / self.steps, 1.0)
        first, last = peak / self.start_divisor, peak / self.end_divisor
        rising = peak + (first - peak) * half_cosine(done / self.warmup)
        decaying = last + (peak - last) * half_cosine((done - self.warmup) / (1 - self.warmup))
        return jnp.where(done < self.warmup, rising, decaying)
