"""RMSprop: gradients divided by the root of their mean square."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["RMSprop"]


class RMSprop(UpdateRule):
    """Divides gradients by the root of a moving average of their squares.

    v <- rho * v + (1 - rho) * gradient**2
    step = learning_rate * gradient / sqrt(v + epsilon)
    value <- value - step

    If `centered`, the square of a moving average of the gradients is subtracted from v in the
    root, which then estimates their variance. With momentum, the step is m <- momentum * m + step.

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        rho: the decay rate of the averages.
        momentum: the fraction of the previous step that is added.
        epsilon: a small constant that prevents division by zero.
        centered: whether to divide by an estimate of the standard deviation.

    References: Tijmen Tieleman, Geoffrey Hinton (2012), "Neural networks for machine learning",
        lecture 6.5. Alex Graves (2013), "Generating sequences with recurrent neural networks".

    Note: PyTorch adds epsilon outside of the root.

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> RMSprop(learning_rate=0.1, rho=0.75).apply([jnp.array(4.0)], [w])
    >>> round(float(w), 4)
    0.8
    """

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.rho = rho
        self.momentum = momentum
        self.epsilon = epsilon
        self.centered = centered
        needed = {"velocity": True, "momentum": momentum > 0, "average_gradient": centered}
        self.slots = tuple((slot,) for slot, is_needed in needed.items() if is_needed)

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, learning_rate: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        velocity = self.rho * slots["velocity"] + (1 - self.rho) * jnp.square(gradient)
        new_slots = {"velocity": velocity}
        if self.centered:
            average = self.rho * slots["average_gradient"] + (1 - self.rho) * gradient
            new_slots["average_gradient"] = average
            velocity = velocity - jnp.square(average)
        step = learning_rate * gradient / jnp.sqrt(velocity + self.epsilon)
        if self.momentum > 0:
            step = new_slots["momentum"] = self.momentum * slots["momentum"] + step
        return value - step, new_slots
