"""Computing once what XLA would compute again in everything that reads it."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

__all__ = ["once"]


def once(x: Array) -> Array:
    """Returns integers or booleans as they are, as an array that lies in memory.

    XLA fuses what is cheap into each of its readers. Where the readers look at neighbours, as in
    the gradient of pooling, each element is computed anew dozens of times. What a loop begins with
    has to be there: this one turns a bit over and back.
    """
    bits = x.astype(jnp.int8) if x.dtype == jnp.bool_ else x
    turned = lax.fori_loop(0, 2, lambda i, y: y ^ i.astype(y.dtype), bits)
    return (turned ^ jnp.ones((), bits.dtype)).astype(x.dtype)
