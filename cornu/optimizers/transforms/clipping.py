"""Limits on gradients: by value, by the norm of each, or by the norm of all together."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from cornu.optimizers.transforms.chain import GradsAndVars, Transformation

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value"]


def clip_by_value(limit: float) -> Transformation:
    """Clips every element to the interval `[-limit, limit]`."""

    def clip(gradient: Array) -> Array:
        return jnp.minimum(jnp.maximum(gradient, -limit), limit)

    return lambda grads_and_vars: [(clip(gradient), v) for gradient, v in grads_and_vars]


def clip_by_norm(limit: float) -> Transformation:
    """Scales each gradient whose Euclidean norm exceeds `limit` to that norm."""

    def clip(gradient: Array) -> Array:
        norm = jnp.sqrt(_sum_of_squares(gradient))
        return _scale(gradient, limit / jnp.maximum(norm, limit))

    return lambda grads_and_vars: [(clip(gradient), v) for gradient, v in grads_and_vars]


def clip_by_global_norm(limit: float) -> Transformation:
    """Scales all gradients by one factor, so that their joint Euclidean norm is at most `limit`.

    If one gradient is not finite, all become NaN, because the joint norm is not defined.
    """

    def clip(grads_and_vars: GradsAndVars) -> GradsAndVars:
        norm = jnp.sqrt(sum(_sum_of_squares(gradient) for gradient, _ in grads_and_vars))
        # limit / infinity is 0, which would hide an infinite gradient; inf - inf is NaN.
        factor = limit / jnp.maximum(norm, limit) + (norm - norm)
        return [(_scale(gradient, factor), v) for gradient, v in grads_and_vars]

    return clip


def _sum_of_squares(gradient: Array) -> Array:
    # Squares overflow in float16 from 256 on, so that they are summed in at least 32 bits.
    wide = jnp.promote_types(gradient.dtype, jnp.float32)
    return jax.lax.square(gradient.astype(wide)).sum()


def _scale(gradient: Array, factor: Array) -> Array:
    return gradient * factor.astype(gradient.dtype)
