"""Activation functions whose gradients store the derivative of each element, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from cornu.core.target import applies
from cornu.types import Array

__all__ = ["apply_with_stored_derivative"]

Activation = Callable[..., Array]


def apply_with_stored_derivative(fn: Activation, x: Array, *parameters: float) -> Array:
    """Returns `fn(x, *parameters)`, whose gradient stores the derivative of each element.

    From the forward to the backward pass of a training step, XLA otherwise stores x and the
    intermediate results that both passes use: three arrays for `gelu`.

    Args:
        fn: a function of the elements of an array, defined in a module.
        x: an array.
        parameters: further arguments of the function, with which it is not differentiated.
    """
    # Arrays of dense layers are small: storing them takes longer than computing them again.
    is_small = x.ndim <= 2
    is_plain = all(isinstance(parameter, int | float) for parameter in parameters)
    if is_small or not is_plain or not applies("stored_derivatives"):
        return fn(x, *parameters)
    return _create(fn, parameters)(x)


@lru_cache(maxsize=64)
def _create(fn: Activation, parameters: tuple[float, ...]) -> Callable[[Array], Array]:
    def compute(x: Array) -> Array:
        return fn(x, *parameters)

    def compute_jvp(primals: Any, tangents: Any) -> tuple[Array, Array]:
        (x,), (tangent,) = primals, tangents
        # The barrier lets XLA compute both in the forward pass, and then release x.
        pair = jax.jvp(compute, (x,), (jnp.ones_like(x),))
        y, derivative = lax.optimization_barrier(pair)
        return y, tangent * derivative

    function = jax.custom_jvp(compute)
    function.defjvp(compute_jvp)
    return function
