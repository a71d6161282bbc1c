"""Adamax: Adam with the infinity norm in place of the second moment."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Adamax"]


class Adamax(UpdateRule):
    """Divides a moving average of the gradients by a decaying maximum of their size.

    m <- beta_1 * m + (1 - beta_1) * gradient
    u <- max(beta_2 * u, |gradient|)
    value <- value - learning_rate / (1 - beta_1**step) * m / (u + epsilon)

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_1: the decay rate of the average.
        beta_2: the decay rate of the maximum.
        epsilon: a small constant that prevents division by zero.

    References: Diederik P. Kingma, Jimmy Ba (2015), "Adam: A method for stochastic optimization",
        section 7.1.

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> Adamax(learning_rate=0.125).apply([jnp.array(40.0)], [w])
    >>> round(float(w), 4)
    0.875
    """

    slots = (("momentum", "norm"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    def step_scalars(self, learning_rate: Array, step: Array) -> Array:
        """Returns the learning rate with the bias correction of the average."""
        return learning_rate / (1 - self.beta_1**step)

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, alpha: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value, average and maximum."""
        m, u = slots["momentum"], slots["norm"]
        m = m + (1 - self.beta_1) * (gradient - m)
        u = jnp.maximum(self.beta_2 * u, jnp.abs(gradient))
        return value - alpha * m / (u + self.epsilon), {"momentum": m, "norm": u}
