"""Loss scaling: keeps small gradients of float16 models from becoming zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.base import SHARED_DEFAULTS, Optimizer
from cornu.optimizers.transforms.conditional import stateful_cond

__all__ = ["LossScaleOptimizer"]


class LossScaleOptimizer(Optimizer):
    """Multiplies the loss by a large scale, divides the gradients by it, and adapts the scale.

    A step with a gradient that is not finite is skipped, and the scale halved. After
    `dynamic_growth_steps` steps without one, the scale is doubled.

    Args:
        inner_optimizer: the optimizer that makes the steps.
        initial_scale: the scale at first; one that is too large is found out quickly.
        dynamic_growth_steps: after how many finite steps the scale is doubled.
        name: its name.

    Raises:
        ValueError: another argument of optimizers; give it to the inner one.

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
                f"{self._label()}: inner_optimizer must be an Optimizer. "
                f"Received: {inner_optimizer!r}"
            )
        # Old files hold the shared arguments with their defaults.
        meaningless = {**SHARED_DEFAULTS, "dynamic": True}
        for argument, value in kwargs.items():
            if argument not in meaningless or value != meaningless[argument]:
                raise ValueError(
                    f"{self._label()} takes no {argument}={value!r}. Give it to the inner optimizer"
                    " (a fixed scale is its loss_scale_factor)."
                )
        self.inner_optimizer = inner_optimizer
        self.inner_optimizer.loss_scale_factor = None  # gradients arrive there unscaled
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes the scale, its counter, and the Variables of the inner optimizer."""
        if self.built:
            return
        self.step_counter = self.add_variable((), dtype="int32", name="step_counter")
        self.dynamic_scale = self.add_variable((), dtype="float32", name="dynamic_scale")
        self.dynamic_scale.assign(self.initial_scale)
        self.inner_optimizer.build(var_list)
        super().build(var_list)

    def apply(
        self, grads: Iterable[Any], trainable_variables: Iterable[Variable] | None = None
    ) -> None:
        """Changes Variables, given gradients of the scaled loss, if all of these are finite."""
        grads = list(grads)
        if not grads:
            return
        pairs = self._pairs(grads, trainable_variables)

        def step() -> None:
            scale = self.dynamic_scale.value
            self.inner_optimizer.apply(
                [g if v.overwrite_with_gradient else g / scale.astype(g.dtype) for g, v in pairs],
                [v for _, v in pairs],
            )
            grows = self.step_counter.value == self.dynamic_growth_steps - 1
            self.step_counter.assign(jnp.where(grows, 0, self.step_counter.value + 1))
            self.dynamic_scale.assign(jnp.where(grows, 2 * scale, scale))

        def skip() -> None:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(0.5 * self.dynamic_scale.value)

        finite = self.check_finite([gradient for gradient, _ in pairs])
        stateful_cond(finite, step, skip, [*self.variables, *(v for _, v in pairs)])

    def check_finite(self, grads: Sequence[Any]) -> Array:
        """Returns whether all elements of all gradients are finite."""
        return jnp.stack([jnp.isfinite(g).all() for g in grads if g is not None]).all()

    @property
    def learning_rate(self) -> Any:
        """The learning rate of the inner optimizer."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        self.inner_optimizer.learning_rate = learning_rate

    @property
    def step_version(self) -> int:
        """That of the inner optimizer."""
        return self.inner_optimizer.step_version

    def set_rates(self, rates: Mapping[str, float]) -> Any:
        """Sets those of the inner optimizer."""
        self.inner_optimizer.set_rates(rates)
        return self

    @property
    def rates_by_path(self) -> dict[str, float]:
        """Those of the inner optimizer."""
        return self.inner_optimizer.rates_by_path

    @property
    def rate_factors(self) -> dict[Variable, float] | None:
        """Those of the inner optimizer."""
        return self.inner_optimizer.rate_factors

    def set_rate_factors(self, factors: Mapping[Variable, float]) -> None:
        """Hands them to the inner optimizer."""
        self.inner_optimizer.set_rate_factors(factors)

    @property
    def iterations(self) -> Any:
        """The steps of the inner optimizer; skipped ones do not count."""
        return self.inner_optimizer.iterations

    def scale_loss(self, loss: Any) -> Any:
        """Multiplies a loss by the scale, before gradients are taken."""
        return loss * (self.dynamic_scale.value if self.built else self.initial_scale)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Gives Variables the values that the inner optimizer has for them."""
        self.inner_optimizer.finalize_variable_values(var_list)
