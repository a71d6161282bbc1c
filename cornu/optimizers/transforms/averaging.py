"""Exponential moving averages of a model's Variables."""

from __future__ import annotations

from collections.abc import Mapping

import jax
import jax.numpy as jnp
from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.transforms.chain import GradsAndVars, Transformation

__all__ = ["average"]


def average(
    averages: Mapping[Variable, Variable],
    momentum: float,
    step: Array,
    overwrite_frequency: int | None = None,
) -> Transformation:
    """Updates `average <- momentum * average + (1 - momentum) * value`; passes gradients through.

    In step 0 the average becomes a copy of the value, so that no bias correction is needed.

    Args:
        averages: the average of each Variable.
        momentum: the fraction of the average that is kept.
        step: the number of steps before this one.
        overwrite_frequency: every how many steps Variables are set to their averages; None for
            never.
    """

    def apply(grads_and_vars: GradsAndVars) -> GradsAndVars:
        # The first average is the value itself: averages are created as zeros.
        kept = jnp.where(step == 0, 0.0, momentum)
        for variable, mean in averages.items():
            mean.assign(kept * mean.value + (1 - kept) * variable.value)
        if overwrite_frequency:
            due = (step + 1) % overwrite_frequency == 0
            for variable, mean in averages.items():
                variable.assign(jax.lax.select(due, mean.value, variable.value))
        return grads_and_vars

    return apply
