"""Decoupled weight decay: shrinks Variables independently of their gradients."""

from __future__ import annotations

from collections.abc import Mapping

from jax import Array

from cornu.core.state.variable import Variable
from cornu.optimizers.transforms.chain import GradsAndVars, Transformation

__all__ = ["decay_weights"]


def decay_weights(decays: Mapping[Variable, float | None], learning_rate: Array) -> Transformation:
    """Computes `value <- value - decay * learning_rate * value`; passes gradients through.

    Args:
        decays: the weight decay of each Variable; None or 0 for none.
        learning_rate: the learning rate of this step.

    References: Ilya Loshchilov, Frank Hutter (2019), "Decoupled weight decay regularization".
    """

    def apply(grads_and_vars: GradsAndVars) -> GradsAndVars:
        # One product for each distinct decay instead of one for each Variable.
        distinct = dict.fromkeys(decays[variable] for _, variable in grads_and_vars)
        fractions = {decay: decay * learning_rate for decay in distinct if decay}
        for _, variable in grads_and_vars:
            decay = decays[variable]
            if decay:
                value = variable.value
                variable.assign(value - value * fractions[decay].astype(variable.dtype))
        return grads_and_vars

    return apply
