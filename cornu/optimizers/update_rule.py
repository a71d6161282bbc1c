"""UpdateRule: an optimizer given by a formula on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from cornu import settings
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.optimizers.base import Optimizer
from cornu.optimizers.transforms.chain import GradsAndVars
from cornu.parts import initializers

__all__ = ["SlotValues", "UpdateRule"]

# Arrays of one Variable by the names of their slots.
SlotValues: TypeAlias = dict[str, Array]


class UpdateRule(Optimizer):
    """An optimizer given by a pure function of one Variable and its slots.

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

    slots: tuple[tuple[str, ...], ...] = ()

    def initial_value(self, slot: str, variable: Variable) -> float | np.ndarray | None:
        """Returns the initial value of a slot of a Variable; 0 by default.

        Args:
            slot: a name in `slots`.
            variable: a Variable of the model.

        Returns:
            A number, which fills the shape of the Variable; an array, which has its own shape; or
            None for no slot.
        """
        return 0.0

    def step_scalars(self, learning_rate: Array, step: Array) -> Any:
        """Returns scalars that all Variables share in a step; by default the learning rate.

        Args:
            learning_rate: the learning rate of the step.
            step: the number of the step; the first step is 1.

        Returns:
            A scalar, or a structure of scalars, which `update` receives.
        """
        return learning_rate

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, scalars: Any
    ) -> tuple[Array, SlotValues]:
        """Returns the new value of a Variable and its new slots.

        Args:
            gradient: the gradient, in the dtype of the Variable.
            value: the value of the Variable.
            slots: arrays by the names in `self.slots`.
            scalars: the result of `step_scalars`, in the dtype of the Variable. An override gives
                the last parameter the name of what it receives, such as `learning_rate` or `alpha`,
                a rate that includes the bias corrections.
        """
        raise NotImplementedError(f"{type(self).__name__} must override update().")

    def build(self, var_list: Sequence[Variable]) -> None:
        """Creates the Variables that the optimizer needs for a model's Variables.

        Args:
            var_list: the Variables that the optimizer will update, in the order of the gradients.
        """
        if self.built:
            return
        super().build(var_list)
        self._slots: dict[Variable, dict[str, Variable]] = {variable: {} for variable in var_list}
        for group in self.slots:
            for variable in var_list:
                for slot in group:
                    self._add_slot(slot, variable)

    def _add_slot(self, slot: str, variable: Variable) -> None:
        initial = None if variable.overwrite_with_gradient else self.initial_value(slot, variable)
        if initial is None:
            return
        shape = np.shape(initial) if isinstance(initial, np.ndarray) else variable.shape
        # Not a function: only the values of initializers can be computed later.
        fill = initializers.Constant(initial)
        self._slots[variable][slot] = self.add_variable(
            shape,
            fill,
            variable.dtype,
            name=f"{variable.path.replace('/', '_')}_{slot}",
            reference=variable,
        )

    def _slots_of_(self, variable: Variable) -> dict[str, Variable]:
        """Returns the slots of a Variable by name; none if the optimizer was not built with it."""
        return self._slots.get(variable, {})

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Updates one Variable."""
        self._apply_rule([(jnp.asarray(gradient), variable)], jnp.asarray(learning_rate))

    def _update_group_(self, grads_and_vars: GradsAndVars, learning_rate: Array) -> None:
        if type(self).update_step is not UpdateRule.update_step:
            # A user's subclass overrides how one Variable is updated.
            super()._update_group_(grads_and_vars, learning_rate)
        else:
            self._apply_rule(grads_and_vars, learning_rate)

    def _apply_rule(self, grads_and_vars: GradsAndVars, learning_rate: Array) -> None:
        dtypes = dict.fromkeys(variable.dtype for _, variable in grads_and_vars)
        # In float16, 1 - 0.999**step is 0: the scalars are computed in at least 32 bits.
        wide = jnp.result_type("float32", *dtypes)
        step = jnp.asarray(self._count_steps_() + 1, wide)
        scalars = self.step_scalars(learning_rate.astype(wide), step)
        scalars_by_dtype = {
            dtype: jax.tree_util.tree_map(lambda s, dtype=dtype: s.astype(dtype), scalars)
            for dtype in dtypes
        }
        # Under `jit`, Variables of equal shape share one trace of the rule: the program of a model
        # with many equal layers is shorter and compiles faster.
        shared = settings.get("share_blocks") and scope.current().in_pure_function
        update = jax.jit(self.update) if shared else self.update
        for gradient, variable in grads_and_vars:
            slots = self._slots[variable]
            value, new_slots = update(
                gradient.astype(variable.dtype),
                variable.value,
                {name: slot.value for name, slot in slots.items()},
                scalars_by_dtype[variable.dtype],
            )
            variable.assign(value)
            for name, new in new_slots.items():
                slots[name].assign(new)
