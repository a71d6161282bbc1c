"""Nadam: Adam with Nesterov momentum."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Nadam"]


class Nadam(UpdateRule):
    """Adam with Nesterov momentum.

    mu(t) = beta_1 * (1 - 0.96**t / 2);  p <- p * mu(step);  p1 = p * mu(step + 1)
    m <- beta_1 * m + (1 - beta_1) * gradient
    v <- beta_2 * v + (1 - beta_2) * gradient**2
    ahead = mu(step + 1) * m / (1 - p1) + (1 - mu(step)) * gradient / (1 - p)
    value <- value - learning_rate * ahead / (sqrt(v / (1 - beta_2**step)) + epsilon)

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_1: the decay rate of the average of gradients.
        beta_2: the decay rate of the average of squares.
        epsilon: a small constant that prevents division by zero.

    References: Timothy Dozat (2016), "Incorporating Nesterov momentum into Adam".

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> Nadam(learning_rate=0.125).apply([jnp.array(40.0)], [w])
    >>> round(float(w), 3)
    0.867
    """

    slots = (("momentum", "velocity"),)

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

    def build(self, var_list: Sequence[Variable]) -> None:
        """Creates the slots, and the product of all momentum factors so far."""
        if not self.built:
            super().build(var_list)
            self._product = self.add_variable((), "ones", name="momentum_product")

    def step_scalars(self, learning_rate: Array, step: Array) -> tuple[Array, ...]:
        """Returns the factors of momentum, gradient and squares, and the correction of squares."""
        now, ahead = (self.beta_1 * (1 - 0.5 * 0.96**t) for t in (step, step + 1))
        product = self._product.value * now
        self._product.assign(product)
        momentum_factor = learning_rate * ahead / (1 - product * ahead)
        gradient_factor = learning_rate * (1 - now) / (1 - product)
        # Both are computed from the same rounded beta_2, so that they cancel exactly in step 1.
        beta_2 = jnp.asarray(self.beta_2, step.dtype)
        return momentum_factor, gradient_factor, 1 - beta_2, 1 - beta_2**step

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, scalars: tuple[Array, ...]
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        momentum_factor, gradient_factor, square_factor, correction = scalars
        m, v = slots["momentum"], slots["velocity"]
        m = m + (1 - self.beta_1) * (gradient - m)
        v = v + square_factor * (jnp.square(gradient) - v)
        ahead = momentum_factor * m + gradient_factor * gradient
        step = ahead / (jnp.sqrt(v / correction) + self.epsilon)
        return value - step, {"momentum": m, "velocity": v}
