"""Limits on gradients: by value, by the norm of each, or by the norm of all together."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array

__all__ = ["by_global_norm", "by_norm", "by_value"]


def by_value(gradient: Array, limit: float) -> Array:
    """Brings every element into `[-limit, limit]`."""
    return jnp.minimum(jnp.maximum(gradient, -limit), limit)


def by_norm(gradient: Array, limit: float) -> Array:
    """Shortens a gradient whose Euclidean norm is above `limit` to that length."""
    return _times(gradient, limit / jnp.maximum(jnp.sqrt(_square_sum(gradient)), limit))


def by_global_norm(gradients: Sequence[Array], limit: float) -> list[Array]:
    """Shortens gradients, taken as one long vector, to a Euclidean norm of at most `limit`.

    One gradient that is not finite makes all of them NaN: no direction is left to follow.
    """
    norm = jnp.sqrt(sum(_square_sum(gradient) for gradient in gradients))
    scale = limit / jnp.maximum(norm, limit) + (norm - norm)
    return [_times(gradient, scale) for gradient in gradients]


def _square_sum(gradient: Array) -> Array:
    # In half precision squares overflow from 256 on, so that sums are made in 32 bits at least.
    wide = jnp.promote_types(gradient.dtype, jnp.float32)
    return jax.lax.square(gradient.astype(wide)).sum()


def _times(gradient: Array, scale: Array) -> Array:
    return gradient * scale.astype(gradient.dtype)
