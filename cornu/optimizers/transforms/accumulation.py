"""Gradients of several batches, added up to those of one large batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.transforms.conditional import stateful_cond

__all__ = ["accumulate"]

GradsAndVars = list[tuple[Array, Variable]]


def accumulate(
    pairs: GradsAndVars,
    accumulators: Mapping[Variable, Variable],
    steps: int,
    calls: Any,
    take: Callable[[GradsAndVars], None],
    assigned: Sequence[Variable],
) -> None:
    """Adds gradients to those kept, and every `steps` calls makes a step with their mean.

    Args:
        pairs: gradients with their Variables.
        accumulators: what keeps the sum for each Variable.
        steps: of how many calls the mean is taken.
        calls: how many calls there were before this one.
        take: makes a step, given gradients with their Variables.
        assigned: all that `take` may assign.
    """
    sums: GradsAndVars = [(_merged(gradient, v, accumulators[v].value), v) for gradient, v in pairs]

    def step() -> None:
        take([(s if v.overwrite_with_gradient else s / steps, v) for s, v in sums])
        for total, variable in sums:
            accumulators[variable].assign(jnp.zeros_like(total))

    def wait() -> None:
        for total, variable in sums:
            accumulators[variable].assign(total)

    stateful_cond((calls + 1) % steps == 0, step, wait, assigned)


def _merged(gradient: Array, variable: Variable, kept: Array) -> Array:
    # What overwrites a Variable is no direction but a statistic (the largest value seen).
    if variable.overwrite_with_gradient:
        return jnp.maximum(gradient, kept)
    return gradient + kept
