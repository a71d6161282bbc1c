"""Adafactor: second moments of matrices, factored into those of rows and columns."""

from __future__ import annotations

from typing import Unpack

import jax.numpy as jnp
import numpy as np
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Adafactor"]


class Adafactor(UpdateRule):
    """Divides gradients by a root mean square that is estimated from rows and columns.

    rho = min(learning_rate, 1 / sqrt(step));  alpha = rho * max(epsilon_2, rms(value))
    beta = 1 - step**beta_2_decay;  s = gradient**2 + epsilon_1
    r <- beta * r + (1 - beta) * mean of s along the last axis
    c <- beta * c + (1 - beta) * mean of s along the second to last axis
    v = r / mean(r) * c   (outer product; for Variables of fewer axes, an average of s itself)
    u = gradient / sqrt(v)
    value <- value - alpha * u / max(1, rms(u) / clip_threshold)

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        beta_2_decay: the exponent of the step in the decay rate, below 0.
        epsilon_1: a small constant that is added to squares.
        epsilon_2: a lower limit of the root mean square of a Variable.
        clip_threshold: an upper limit of the root mean square of u.
        relative_step: without effect, see below.

    References: Noam Shazeer, Mitchell Stern (2018), "Adafactor: Adaptive learning rates with
        sublinear memory cost".

    Note: as in Keras, the learning rate is never above 1 / sqrt(step), even if `relative_step` is
    False, and v is stored in full, so that saved states are compatible; the method of the paper
    saves that memory.

    Example:

    >>> import cornu
    >>> w = cornu.Variable([[1.0, 1.0]], name="w")
    >>> Adafactor(learning_rate=0.25).apply([jnp.array([[8.0, -2.0]])], [w])
    >>> w.numpy().tolist()
    [[0.75, 1.25]]
    """

    slots = (("row", "column", "velocity"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.beta_2_decay = beta_2_decay
        self.epsilon_1 = epsilon_1
        self.epsilon_2 = epsilon_2
        self.clip_threshold = clip_threshold
        self.relative_step = relative_step

    def initial_value(self, slot: str, variable: Variable) -> float | np.ndarray:
        """Returns zeros; Variables of fewer than two axes have scalar placeholders."""
        if slot == "velocity":
            return 0.0
        shape = variable.shape
        if len(shape) < 2:
            return np.zeros(())
        return np.zeros(shape[:-1] if slot == "row" else (*shape[:-2], shape[-1]))

    def step_scalars(self, learning_rate: Array, step: Array) -> tuple[Array, Array]:
        """Returns the relative step size and the decay rate of the averages."""
        return jnp.minimum(learning_rate, 1 / jnp.sqrt(step)), 1 - step**self.beta_2_decay

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, scalars: tuple[Array, Array]
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and averages."""
        rho, beta = scalars
        square = jnp.square(gradient) + self.epsilon_1
        new_slots = {}
        if value.ndim >= 2:
            r = new_slots["row"] = beta * slots["row"] + (1 - beta) * square.mean(-1)
            c = new_slots["column"] = beta * slots["column"] + (1 - beta) * square.mean(-2)
            v = (r / r.mean(-1, keepdims=True))[..., None] * c[..., None, :]
        else:
            v = beta * slots["velocity"] + (1 - beta) * square
        new_slots["velocity"] = v
        u = gradient / jnp.sqrt(v)
        # Update clipping, section 6 of the paper: the second moment lags behind large gradients.
        u = u / jnp.maximum(1, _rms(u) / self.clip_threshold)
        alpha = rho * jnp.maximum(self.epsilon_2, _rms(value))
        return value - alpha * u, new_slots


def _rms(x: Array) -> Array:
    return jnp.sqrt(jnp.square(x).mean())
