"""Division of gradients by the factor with which the loss was multiplied."""

from __future__ import annotations

import jax
from jax import Array

from cornu.optimizers.transforms.chain import GradsAndVars, Transformation

__all__ = ["unscale"]


def unscale(factor: float | Array) -> Transformation:
    """Divides gradients by the factor of the loss.

    A gradient that overwrites its Variable is a statistic, not a derivative of the loss, and is
    not divided.
    """

    def divide(gradient: Array) -> Array:
        # An array of another dtype would promote the gradient; a Python number does not.
        return gradient / (
            factor.astype(gradient.dtype) if isinstance(factor, jax.Array) else factor
        )

    def apply(grads_and_vars: GradsAndVars) -> GradsAndVars:
        return [(g if v.overwrite_with_gradient else divide(g), v) for g, v in grads_and_vars]

    return apply
