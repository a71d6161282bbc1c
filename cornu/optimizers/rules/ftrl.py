"""FTRL: follow the regularized leader."""

from __future__ import annotations

from typing import Unpack

import jax
import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["Ftrl"]


class Ftrl(UpdateRule):
    """Minimizes the sum of all gradients so far plus regularization; elements become exactly 0.

    n' = n + gradient**2
    sigma = (n'**-p - n**-p) / learning_rate, with the power p = learning_rate_power
    z <- z + gradient + 2 * l2_shrinkage * value - sigma * value
    value <- (clip(z, -l1, l1) - z) / ((beta + n'**-p) / learning_rate + 2 * l2)
    n <- n'

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        learning_rate_power: at most 0; -0.5 scales steps as Adagrad does, 0 leaves them unscaled.
        initial_accumulator_value: the initial value of n, at least 0.
        l1_regularization_strength: l1, at least 0; larger values make more elements 0.
        l2_regularization_strength: l2, at least 0.
        l2_shrinkage_regularization_strength: at least 0; a penalty on the present values that is
            not part of the objective.
        beta: a constant that is added to the root of n.

    Raises:
        ValueError: an argument is out of range.

    References: H. Brendan McMahan et al. (2013), "Ad click prediction: A view from the trenches".

    Example:

    >>> import cornu
    >>> w = cornu.Variable([0.0, 0.0], name="w")
    >>> optimizer = Ftrl(0.5, initial_accumulator_value=0.0, l1_regularization_strength=1.0)
    >>> optimizer.apply([jnp.array([2.0, 0.5])], [w])
    >>> w.numpy().tolist()
    [-0.25, 0.0]
    """

    slots = (("accumulator", "linear"),)

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        if learning_rate_power > 0:
            raise ValueError(
                f"{self._label_()}: learning_rate_power must be at most 0. "
                f"Received: {learning_rate_power}"
            )
        for name, number in (
            ("initial_accumulator_value", initial_accumulator_value),
            ("l1_regularization_strength", l1_regularization_strength),
            ("l2_regularization_strength", l2_regularization_strength),
            ("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        ):
            if number < 0:
                raise ValueError(f"{self._label_()}: {name} must be at least 0. Received: {number}")

    def initial_value(self, slot: str, variable: Variable) -> float:
        """Returns the initial value of n; that of z is 0."""
        return self.initial_accumulator_value if slot == "accumulator" else 0.0

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, learning_rate: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value, n and z."""
        # Elements with |z| <= l1 become exactly 0: clipped - z is the soft threshold of -z.
        l1 = self.l1_regularization_strength
        n = slots["accumulator"] + jnp.square(gradient)
        root, root_before = (x**-self.learning_rate_power for x in (n, slots["accumulator"]))
        z = (
            slots["linear"]
            + gradient
            + 2 * self.l2_shrinkage_regularization_strength * value
            - (root - root_before) / learning_rate * value
        )
        curvature = (self.beta + root) / learning_rate + 2 * self.l2_regularization_strength
        clipped = jax.lax.clamp(jnp.asarray(-l1, z.dtype), z, jnp.asarray(l1, z.dtype))
        return (clipped - z) / curvature, {"accumulator": n, "linear": z}
