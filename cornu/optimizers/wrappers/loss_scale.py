"""Loss scaling: prevents small gradients of float16 models from underflowing to zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.foreign import describe_replacement
from cornu.optimizers.base import SHARED_DEFAULTS, Optimizer
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.transforms.chain import GradsAndVars
from cornu.optimizers.transforms.conditional import stateful_cond
from cornu.optimizers.transforms.loss_scaling import unscale

__all__ = ["LossScaleOptimizer"]


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a large scale, divides the gradients by it, and adapts the scale.

    A step with a gradient that is not finite is skipped, and the scale is halved. After
    `dynamic_growth_steps` consecutive finite steps, the scale is doubled.

    Args:
        inner_optimizer: the optimizer that updates the Variables.
        initial_scale: the initial scale; one that is too large is halved in the first steps.
        dynamic_growth_steps: the number of consecutive finite steps after which the scale is
            doubled.
        name: its name.

    Raises:
        ValueError: another argument of optimizers; pass it to the inner one.
        TypeError: `inner_optimizer` is not an optimizer.

    References: Paulius Micikevicius et al. (2018), "Mixed precision training".

    Example:

    >>> import cornu
    >>> from cornu.optimizers import SGD
    >>> w = cornu.Variable(1.0, name="w")
    >>> optimizer = LossScaleOptimizer(SGD(0.5), initial_scale=8.0)
    >>> optimizer.build([w])
    >>> loss = optimizer.scale_loss(w)  # its gradient is 8
    >>> optimizer.apply([jnp.array(8.0)])
    >>> float(w)
    0.5
    >>> optimizer.apply([jnp.array(jnp.inf)])
    >>> float(w), float(optimizer.dynamic_scale)
    (0.5, 4.0)
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=0.0, name=name)
        if not isinstance(inner_optimizer, Optimizer):
            raise TypeError(
                f"{self._label_()}: inner_optimizer must be an Optimizer. "
                f"Received: {inner_optimizer!r}{describe_replacement(inner_optimizer)}"
            )
        # Files saved by Keras contain the shared arguments with their defaults.
        ignored = {**SHARED_DEFAULTS, "dynamic": True}
        for argument, value in kwargs.items():
            if argument not in ignored or value != ignored[argument]:
                raise ValueError(
                    f"{self._label_()} has no argument {argument!r}. Received: {value!r}\n"
                    "Pass it to the inner optimizer (a fixed scale is its loss_scale_factor)."
                )
        self.inner_optimizer = inner_optimizer
        self.inner_optimizer.loss_scale_factor = None  # it receives unscaled gradients
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps

    def build(self, var_list: Sequence[Variable]) -> None:
        """Creates the scale, its counter, and the Variables of the inner optimizer."""
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
        self.dynamic_scale.assign(self.initial_scale)
        self.inner_optimizer.build(var_list)
        super().build(var_list)

    def _apply_(self, grads_and_vars: GradsAndVars) -> None:
        """Updates Variables, given gradients of the scaled loss, if all of these are finite."""

        def step() -> None:
            scale = self.dynamic_scale.value
            unscaled = unscale(scale)(grads_and_vars)
            self.inner_optimizer.apply([g for g, _ in unscaled], [v for _, v in unscaled])
            # The counter wraps when the scale grows; `skip` resets it.
            grows = self.step_counter.value == self.dynamic_growth_steps - 1
            self.step_counter.assign(jnp.where(grows, 0, self.step_counter.value + 1))
            self.dynamic_scale.assign(jnp.where(grows, 2 * scale, scale))

        def skip() -> None:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(0.5 * self.dynamic_scale.value)

        finite = self.check_finite([gradient for gradient, _ in grads_and_vars])
        assigned = [*self.variables, *(variable for _, variable in grads_and_vars)]
        stateful_cond(finite, step, skip, assigned)

    def check_finite(self, grads: Sequence[Array | None]) -> Array:
        """Returns whether all elements of all gradients are finite.

        Args:
            grads: gradients, of which some may be None.
        """
        return jnp.stack([jnp.isfinite(g).all() for g in grads if g is not None]).all()

    @property
    def learning_rate(self) -> Variable | Array:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: LearningRateLike) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def _step_version_(self) -> int:
        """The version of the inner optimizer."""
        return self.inner_optimizer._step_version_

    def set_rates(self, rates: Mapping[str, float]) -> Self:
        """Sets the rates of the inner optimizer."""
        self.inner_optimizer._set_rates_(rates)
        return self

    _set_rates_ = set_rates

    @property
    def _rates_by_path_(self) -> dict[str, float]:
        """The rates of the inner optimizer."""
        return self.inner_optimizer._rates_by_path_

    @property
    def _resolved_rates_(self) -> dict[Variable, float] | None:
        """The factors of the inner optimizer."""
        return self.inner_optimizer._resolved_rates_

    def _set_rate_factors_(self, factors: Mapping[Variable, float]) -> None:
        """Sets the factors of the inner optimizer."""
        self.inner_optimizer._set_rate_factors_(factors)

    @property
    def iterations(self) -> Variable | Array:
        """The number of steps of the inner optimizer; skipped ones do not count."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """Multiplies a loss by the scale, before gradients are computed."""
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Sets Variables to the final values that the inner optimizer has for them."""
        self.inner_optimizer.finalize_variable_values(var_list)
