"""Adadelta: gradients scaled by the ratio of past steps to past gradients."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Adadelta"]


class Adadelta(UpdateRule):
    """Scales gradients by the root mean square of past steps over that of past gradients.

    g <- rho * g + (1 - rho) * gradient**2
    step = gradient * sqrt(d + epsilon) / sqrt(g + epsilon)
    d <- rho * d + (1 - rho) * step**2
    value <- value - learning_rate * step

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        rho: the decay rate of the averages.
        epsilon: a small constant, which also determines the size of the first steps.

    References: Matthew D. Zeiler (2012), "ADADELTA: An adaptive learning rate method".

    Note: the paper has no learning rate; 1.0 is its method.

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> Adadelta(learning_rate=1.0, rho=0.75, epsilon=0.01).apply([jnp.array(4.0)], [w])
    >>> round(float(w), 3)
    0.8
    """

    slots = (("accumulated_grad", "accumulated_delta_var"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = rho
        self.epsilon = epsilon

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, learning_rate: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        rho, epsilon = self.rho, self.epsilon
        g, d = slots["accumulated_grad"], slots["accumulated_delta_var"]
        g = rho * g + (1 - rho) * jnp.square(gradient)
        step = jnp.sqrt(d + epsilon) * gradient / jnp.sqrt(g + epsilon)
        d = rho * d + (1 - rho) * jnp.square(step)
        new_slots = {"accumulated_grad": g, "accumulated_delta_var": d}
        return value - learning_rate * step, new_slots
