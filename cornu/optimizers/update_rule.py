"""UpdateRule: an optimizer given by a formula on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cornu import settings
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.optimizers.base import Optimizer

__all__ = ["UpdateRule", "SlotValues"]

SlotValues = dict[str, Array]


class UpdateRule(Optimizer):
    """An optimizer given by a pure function of one Variable and of its slots.

    A subclass names in `slots` the arrays that it keeps for each Variable, returns their initial
    values from `initial_value`, computes what all Variables share in a step in `step_scalars`,
    and defines the formula in `update`. Slots are created group by group: all slots of a group for
    the first Variable, then for the next. Saved files number them in this order.

    Example:

    >>> import cornu
    >>> class Heavy(UpdateRule):
    ...     slots = (("momentum",),)
    ...
    ...     def update(self, gradient, value, slots, learning_rate):
    ...         momentum = 0.5 * slots["momentum"] + gradient
    ...         return value - learning_rate * momentum, {"momentum": momentum}
    >>> w = cornu.Variable(1.0, name="w")
    >>> optimizer = Heavy(learning_rate=0.25)
    >>> for _ in range(2):
    ...     optimizer.apply([jnp.array(1.0)], [w])
    >>> float(w)
    0.375
    """

    slots: ClassVar[tuple[tuple[str, ...], ...]] | tuple[tuple[str, ...], ...] = ()

    def initial_value(self, slot: str, variable: Variable) -> Any:
        """Returns what a slot of a Variable is at first.

        A number, which fills the Variable's shape; an array; or None for no such slot.
        """
        return 0.0

    def step_scalars(self, learning_rate: Array, step: Array) -> Any:
        """Returns numbers that all Variables share in a step, the first of which is step 1."""
        return learning_rate

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, numbers: Any
    ) -> tuple[Array, SlotValues]:
        """Returns the new value of a Variable and its new slots.

        Args:
            gradient: the gradient, in the dtype of the Variable.
            value: the value of the Variable.
            slots: arrays by the names in the table.
            numbers: what `step_scalars` returned, in the dtype of the Variable.
        """
        raise NotImplementedError(f"{type(self).__name__} must override update().")

    def build(self, var_list: Sequence[Variable]) -> None:
        """Makes the Variables that the optimizer needs for a model's Variables."""
        if self.built:
            return
        super().build(var_list)
        self._slots: dict[Variable, dict[str, Variable]] = {variable: {} for variable in var_list}
        for group in self.slots:
            for variable in var_list:
                for slot in group:
                    self._add_slot(slot, variable)

    def _add_slot(self, slot: str, variable: Variable) -> None:
        first = None if variable.overwrite_with_gradient else self.initial_value(slot, variable)
        if first is None:
            return
        shape = np.shape(first) if isinstance(first, np.ndarray) else variable.shape

        def fill(shape: tuple[int, ...], dtype: str) -> np.ndarray:
            return np.full(shape, first, jnp.dtype(dtype))

        self._slots[variable][slot] = self.add_variable(
            shape, fill, variable.dtype, name=f"{variable.path.replace('/', '_')}_{slot}"
        )

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Any) -> None:
        """Changes one Variable."""
        self._follow([jnp.asarray(gradient)], [variable], jnp.asarray(learning_rate))

    def _update_each(
        self, grads: list[Array], variables: list[Variable], learning_rate: Array
    ) -> None:
        if type(self).update_step is not UpdateRule.update_step:
            # A user's subclass that changes how one Variable is treated.
            super()._update_each(grads, variables, learning_rate)
        else:
            self._follow(grads, variables, learning_rate)

    def _follow(self, grads: list[Array], variables: list[Variable], learning_rate: Array) -> None:
        wide = jnp.result_type("float32", *{variable.dtype for variable in variables})
        step = jnp.asarray(self.iterations + 1, wide)
        numbers = self.step_scalars(learning_rate.astype(wide), step)
        by_dtype = {
            variable.dtype: jax.tree_util.tree_map(lambda n, v=variable: n.astype(v.dtype), numbers)
            for variable in variables
        }
        # Variables of equal shape share one trace of the rule.
        shared = settings.get("share_blocks") and scope.current().in_pure_function
        update = jax.jit(self.update) if shared else self.update
        for gradient, variable in zip(grads, variables, strict=True):
            slots = self._slots[variable]
            value, news = update(
                gradient.astype(variable.dtype),
                variable.value,
                {name: slot.value for name, slot in slots.items()},
                by_dtype[variable.dtype],
            )
            variable.assign(value)
            for name, new in news.items():
                slots[name].assign(new)
