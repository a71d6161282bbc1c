"""Lamb: Adam with layer-wise adaptation of the step size."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Lamb"]


class Lamb(UpdateRule):
    """Adam whose step for each Variable is scaled to the norm of the Variable.

    m <- beta_1 * m + (1 - beta_1) * gradient
    v <- beta_2 * v + (1 - beta_2) * gradient**2
    step = m / (1 - beta_1**step) / (sqrt(v / (1 - beta_2**step)) + epsilon)
    value <- value - learning_rate * step * |value| / |step|   (1 if a norm is 0)

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_1: the decay rate of the average of gradients.
        beta_2: the decay rate of the average of squares.
        epsilon: a small constant that prevents division by zero.

    References: Yang You, Jing Li, Sashank Reddi, Jonathan Hseu, Sanjiv Kumar, Srinadh
        Bhojanapalli, Xiaodan Song, James Demmel, Kurt Keutzer, Cho-Jui Hsieh (2020), "Large batch
        optimization for deep learning: Training BERT in 76 minutes".

    Note: the paper adds weight decay to the step before it is scaled; here, as in every optimizer,
    `weight_decay` shrinks the value before the step.

    Example:

    >>> import cornu
    >>> w = cornu.Variable([3.0, 4.0], name="w")
    >>> Lamb(learning_rate=0.5).apply([jnp.array([0.0, 2.0])], [w])
    >>> w.numpy().round(3).tolist()
    [3.0, 1.5]
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

    def step_scalars(self, learning_rate: Array, step: Array) -> tuple[Array, Array, Array]:
        """Returns the learning rate and the bias corrections of both averages."""
        return learning_rate, 1 - self.beta_1**step, 1 - self.beta_2**step

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, scalars: tuple[Array, Array, Array]
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        learning_rate, correction_m, correction_v = scalars
        m, v = slots["momentum"], slots["velocity"]
        m = m + (1 - self.beta_1) * (gradient - m)
        v = v + (1 - self.beta_2) * (jnp.square(gradient) - v)
        step = m / correction_m / (jnp.sqrt(v / correction_v) + self.epsilon)
        ratio = learning_rate * _norm_ratio(value, step)
        return value - ratio * step, {"momentum": m, "velocity": v}


def _norm_ratio(value: Array, step: Array) -> Array:
    # Without the exception for 0, a Variable that is initialized to zeros would never change.
    value_norm = jnp.sqrt(jnp.square(value).sum())
    step_norm = jnp.sqrt(jnp.square(step).sum())
    return jnp.where((value_norm > 0) & (step_norm > 0), value_norm / step_norm, 1)
