"""Products of inputs with integers, whose gradient is that of products with what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

__all__ = ["product"]


def product(
    forward: Callable[..., Any], linear: Callable[..., Any], inputs: Any, *weights: Any
) -> Any:
    """Returns `forward(inputs, *weights)`; its gradient is that of `linear(inputs, *weights)`.

    Rounded inputs have no useful gradient, and integers have none at all.

    Args:
        forward: the function.
        linear: a linear function of the inputs.
        inputs: an array of floats.
        *weights: arrays that are not differentiated.
    """

    like = jax.ShapeDtypeStruct(inputs.shape, inputs.dtype)

    @jax.custom_vjp
    def run(inputs: Any, *weights: Any) -> Any:
        return forward(inputs, *weights)

    def run_forward(inputs: Any, *weights: Any) -> Any:
        return forward(inputs, *weights), weights

    def run_backward(weights: Any, upstream: Any) -> Any:
        transpose = jax.linear_transpose(lambda x: linear(x, *weights), like)
        return (*transpose(upstream), *(None for _ in weights))

    run.defvjp(run_forward, run_backward)
    return run(inputs, *weights)
