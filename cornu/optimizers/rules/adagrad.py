"""Adagrad: gradients divided by the root of the sum of their squares."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Adagrad"]


class Adagrad(UpdateRule):
    """Divides gradients by the root of the sum of all their squares so far.

    a <- a + gradient**2
    value <- value - learning_rate * gradient / sqrt(a + epsilon)

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        initial_accumulator_value: the initial value of the sum.
        epsilon: a small constant that prevents division by zero.

    References: John Duchi, Elad Hazan, Yoram Singer (2011), "Adaptive subgradient methods for
        online learning and stochastic optimization".

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> Adagrad(learning_rate=0.5, initial_accumulator_value=0.0).apply([jnp.array(4.0)], [w])
    >>> round(float(w), 4)
    0.5
    """

    slots = (("accumulator",),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def initial_value(self, slot: str, variable: Variable) -> float:
        """Returns the initial value of the sum."""
        return self.initial_accumulator_value

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, learning_rate: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and sum."""
        accumulator = slots["accumulator"] + jnp.square(gradient)
        step = learning_rate * gradient / jnp.sqrt(accumulator + self.epsilon)
        return value - step, {"accumulator": accumulator}
