"""Accumulation of the gradients of several batches, as if they were one large batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.transforms.chain import GradsAndVars, Transformation
from cornu.optimizers.transforms.conditional import stateful_cond

__all__ = ["accumulate"]


def accumulate(
    update: Transformation,
    accumulators: Mapping[Variable, Variable],
    every: int,
    calls: Array,
    assigned: Sequence[Variable],
) -> Transformation:
    """Adds gradients to accumulators, and passes their mean to `update` every few calls.

    Args:
        update: updates Variables, given the mean gradients.
        accumulators: the Variable that holds the sum for each Variable.
        every: the number of calls per update.
        calls: the number of calls before this one.
        assigned: all Variables that `update` may assign, and the accumulators.
    """

    def apply(grads_and_vars: GradsAndVars) -> GradsAndVars:
        sums = [(_add(g, v, accumulators[v].value), v) for g, v in grads_and_vars]

        def step() -> None:
            update([(s if v.overwrite_with_gradient else s / every, v) for s, v in sums])
            for total, variable in sums:
                accumulators[variable].assign(jnp.zeros_like(total))

        def wait() -> None:
            for total, variable in sums:
                accumulators[variable].assign(total)

        stateful_cond((calls + 1) % every == 0, step, wait, assigned)
        return grads_and_vars

    return apply


def _add(gradient: Array, variable: Variable, accumulated: Array) -> Array:
    # A gradient that overwrites its Variable is a statistic (the largest value seen, from which
    # float8 layers compute their scales), not a derivative: sums and means have no meaning.
    if variable.overwrite_with_gradient:
        return jnp.maximum(gradient, accumulated)
    return gradient + accumulated
