"""Adam, and AdamW with decoupled weight decay."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
from jax import Array

from cornu.optimizers.arguments import (
    OtherSharedArguments,
    SharedArguments,
    accept_shared_arguments,
)
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Adam", "AdamW"]


class Adam(UpdateRule):
    """Divides a moving average of the gradients by the root of the average of their squares.

    m <- beta_1 * m + (1 - beta_1) * gradient
    v <- beta_2 * v + (1 - beta_2) * gradient**2
    alpha = learning_rate * sqrt(1 - beta_2**step) / (1 - beta_1**step)
    value <- value - alpha * m / (sqrt(v) + epsilon)

    AMSGrad divides by the largest v so far.

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_1: the decay rate of the average of gradients.
        beta_2: the decay rate of the average of squares.
        epsilon: a small constant that prevents division by zero.
        amsgrad: whether to use AMSGrad.

    References: Diederik P. Kingma, Jimmy Ba (2015), "Adam: A method for stochastic optimization".
        Sashank J. Reddi, Satyen Kale, Sanjiv Kumar (2018), "On the convergence of Adam and
        beyond".

    Note: epsilon is the epsilon hat of the paper (just before section 2.1), which is added to the
    root of v without bias correction. PyTorch and Optax add it to the root of the corrected v,
    where it has more effect in the first steps.

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> Adam(learning_rate=0.125).apply([jnp.array(40.0)], [w])
    >>> round(float(w), 4)
    0.875
    """

    slots: tuple[tuple[str, ...], ...] = (("momentum", "velocity"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.amsgrad = amsgrad
        if amsgrad:
            self.slots = (*self.slots, ("velocity_hat",))

    def step_scalars(self, learning_rate: Array, step: Array) -> Array:
        """Returns the learning rate with the bias corrections of both averages."""
        # One scalar instead of a division of each average. As in Keras, epsilon is therefore added
        # to the root of the uncorrected average.
        return learning_rate * jnp.sqrt(1 - self.beta_2**step) / (1 - self.beta_1**step)

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, alpha: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        m, v = slots["momentum"], slots["velocity"]
        m = m + (1 - self.beta_1) * (gradient - m)
        v = v + (1 - self.beta_2) * (jnp.square(gradient) - v)
        new_slots = {"momentum": m, "velocity": v}
        if self.amsgrad:
            v = new_slots["velocity_hat"] = jnp.maximum(slots["velocity_hat"], v)
        return value - alpha * m / (jnp.sqrt(v) + self.epsilon), new_slots


class AdamW(Adam):
    """Adam with decoupled weight decay, which does not enter the averages.

    value <- value - weight_decay * learning_rate * value, then as in Adam

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        weight_decay: the fraction by which values shrink, times the learning rate.
        beta_1: the decay rate of the average of gradients.
        beta_2: the decay rate of the average of squares.
        epsilon: a small constant that prevents division by zero.
        amsgrad: whether to divide by the largest average of squares so far.

    References: Ilya Loshchilov, Frank Hutter (2019), "Decoupled weight decay regularization".

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> AdamW(learning_rate=0.125, weight_decay=0.5).apply([jnp.array(40.0)], [w])
    >>> round(float(w), 4)
    0.8125
    """

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        **shared: Unpack[OtherSharedArguments],
    ) -> None:
        super().__init__(
            learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay=weight_decay, **shared
        )
        if weight_decay is None:
            raise ValueError(f"{self._label_()}: weight_decay must be a number. Received: None")
