"""Variables that are overwritten by their gradients, such as the scales of float8 layers."""

from __future__ import annotations

from cornu.optimizers.transforms.chain import GradsAndVars, Transformation

__all__ = ["overwrite_or"]


def overwrite_or(update: Transformation) -> Transformation:
    """Assigns gradients to the Variables that they overwrite, and updates the other Variables.

    Args:
        update: updates the Variables that are not overwritten, if there are any.
    """

    def apply(grads_and_vars: GradsAndVars) -> GradsAndVars:
        for gradient, variable in grads_and_vars:
            if variable.overwrite_with_gradient:
                variable.assign(gradient)
        others = [(g, v) for g, v in grads_and_vars if not v.overwrite_with_gradient]
        if others:
            update(others)
        return grads_and_vars

    return apply
