"""Constraints of Variables, applied after an update."""

from __future__ import annotations

from cornu.optimizers.transforms.chain import GradsAndVars

__all__ = ["apply_constraints"]


def apply_constraints(grads_and_vars: GradsAndVars) -> GradsAndVars:
    """Applies the constraint of each Variable that has one; passes gradients through."""
    for _, variable in grads_and_vars:
        if variable.constraint is not None and not variable.overwrite_with_gradient:
            variable.assign(variable.constraint(variable.value))
    return grads_and_vars
