"""Prevents XLA from computing an array again in every operation that reads it."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

__all__ = ["once"]


def once(x: Array) -> Array:
    """Returns an array of integers or booleans unchanged, but materialized in memory.

    XLA fuses cheap operations into each operation that reads their result. If that operation
    reads neighboring elements, as the gradient of pooling does, each element is computed dozens
    of times. The initial value of a loop is always materialized, so the array passes through a
    loop that flips a bit, and the bit is flipped back afterwards.
    """
    # XLA removes a loop that has no effect. Iteration i flips with i, so that only i = 1 does.
    bits = x.astype(jnp.int8) if x.dtype == jnp.bool_ else x
    flipped = lax.fori_loop(0, 2, lambda i, y: y ^ i.astype(y.dtype), bits)
    return (flipped ^ jnp.ones((), bits.dtype)).astype(x.dtype)
