"""Special functions: error function, inverse square root, log-sum-exp, distances."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array

from cornu.ops._table import define, floats, row

__all__ = [
    "cdist",
    "erf",
    "erfc",
    "erfinv",
    "logsumexp",
    "rsqrt",
]


rsqrt = row("rsqrt(x)", floats(jax.lax.rsqrt), "The reciprocal of the square root.")


erf = row("erf(x)", floats(jax.lax.erf), "The error function 2/√π ∫₀ˣ exp(-t²) dt.")


erfc = row("erfc(x)", floats(jax.lax.erfc), "1 - erf(x), exact also for large x.")


erfinv = row("erfinv(x)", floats(jax.lax.erf_inv), "The number whose error function is x.")


logsumexp = row(
    "logsumexp(x, axis=None, keepdims=False)",
    floats(jax.scipy.special.logsumexp),
    "log(sum(exp(x))) along axes, without overflow.",
)


@define
def cdist(x: Array, y: Array) -> Array:
    """The Euclidean distance of every vector from every other.

    Args:
        x: vectors, of shape (..., n, size).
        y: vectors, of shape (..., m, size).

    Returns:
        An array of shape (..., n, m).
    """
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            "cdist: vectors of equal size are needed, shapes (..., n, size) and (..., m, size). "
            f"Received: {x.shape} and {y.shape}"
        )
    difference = x[..., :, None, :] - y[..., None, :, :]
    return jnp.sqrt(jnp.sum(difference * difference, axis=-1))
