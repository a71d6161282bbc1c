"""Schedule-free AdamW: iterate averaging instead of a learning rate schedule."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
import numpy as np
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["ScheduleFreeAdamW"]


class ScheduleFreeAdamW(UpdateRule):
    """AdamW at an interpolation of its iterates and their average, without a schedule.

    v <- beta_2 * v + (1 - beta_2) * gradient**2
    x = (value - (1 - beta_1) * z) / beta_1   (the average so far)
    z <- z - learning_rate * gradient / (sqrt(v / (1 - beta_2**step)) + epsilon)
    x <- x + (z - x) / step
    value <- (1 - beta_1) * z + beta_1 * x

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_1: the weight of the average in the interpolation.
        beta_2: the decay rate of the average of squares.
        epsilon: a small constant that prevents division by zero.
        warmup_steps: the number of steps over which the learning rate increases linearly.

    References: Aaron Defazio, Xingyu Alice Yang, Harsh Mehta, Konstantin Mishchenko, Ahmed Khaled,
        Ashok Cutkosky (2024), "The road less scheduled".

    Note: the paper evaluates the model at the average x; as in Keras, the Variables keep the
    interpolation of z and x.

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> ScheduleFreeAdamW(learning_rate=0.125).apply([jnp.array(4.0)], [w])
    >>> round(float(w), 4)
    0.875
    """

    slots = (("momentum", "velocity"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.warmup_steps = warmup_steps

    def initial_value(self, slot: str, variable: Variable) -> float | np.ndarray:
        """Returns the value of the Variable for z, and zero for v."""
        return np.asarray(variable.value) if slot == "momentum" else 0.0

    def step_scalars(self, learning_rate: Array, step: Array) -> tuple[Array, ...]:
        """Returns the learning rate, the factor and correction of squares, and the weight of z."""
        if self.warmup_steps > 0:
            learning_rate = learning_rate * jnp.minimum(step / self.warmup_steps, 1)
        # Both are computed from the same rounded beta_2, so that they cancel exactly in step 1.
        beta_2 = jnp.asarray(self.beta_2, step.dtype)
        return learning_rate, 1 - beta_2, 1 - beta_2**step, 1 / step

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, scalars: tuple[Array, ...]
    ) -> tuple[Array, SlotValues]:
        """Returns the new value, z and v."""
        learning_rate, square_factor, correction, weight = scalars
        z, v = slots["momentum"], slots["velocity"]
        v = v + square_factor * (jnp.square(gradient) - v)
        # The Variable holds y = (1 - beta_1) * z + beta_1 * x, from which x is recovered.
        x = (value - (1 - self.beta_1) * z) / self.beta_1
        z = z - learning_rate * gradient / (jnp.sqrt(v / correction) + self.epsilon)
        x = (1 - weight) * x + weight * z
        return (1 - self.beta_1) * z + self.beta_1 * x, {"momentum": z, "velocity": v}
