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

__all__ = ["apply_with_stored_derivative", "is_storing_faster"]

Activation = Callable[..., Array]


def is_storing_faster(x: Array, deviation: str) -> bool:
    """Returns whether a gradient should store results, instead of letting XLA choose.

    Arrays with at most two axes are those of dense layers, which are small: storing them takes
    longer than computing them again.

    Args:
        x: the array of which the results are.
        deviation: the name of the row of `cornu.deviations` for the formulation.
    """
    return x.ndim > 2 and applies(deviation)


def apply_with_stored_derivative(fn: Activation, x: Array, *parameters: float) -> Array:
    """Returns `fn(x, *parameters)`, whose gradient stores the derivative of each element.

    From the forward to the backward pass of a training step, XLA otherwise stores x and the
    intermediate results that both passes use: three arrays for `gelu`.

    Args:
        fn: a function of the elements of an array, defined in a module.
        x: an array.
        parameters: further arguments of the function, with which it is not differentiated.
    """
    is_plain = all(isinstance(parameter, int | float) for parameter in parameters)
    if is_plain and is_storing_faster(x, "stored_derivatives"):
        return _create(fn, parameters)(x)
    return fn(x, *parameters)


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
