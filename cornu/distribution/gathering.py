"""Weights that are divided among devices, collected where a layer uses them."""

from __future__ import annotations

from typing import Any

import jax
from jax.custom_derivatives import linear_call
from jax.sharding import Sharding

from cornu.core.state.variable import Variable

__all__ = ["gather_parts", "is_divided"]


def gather_parts(value: Any, sharding: Sharding, gathered: Sharding) -> Any:
    """Returns a traced value with another sharding; its gradient has the original one.

    Args:
        value: the value of a Variable.
        sharding: the sharding of the Variable.
        gathered: the sharding of the result.
    """
    constrain: Any = jax.lax.with_sharding_constraint

    def gather(_: Any, part: Any) -> Any:
        # With the first constraint, parts are gathered after the cast to the compute dtype.
        # XLA would otherwise cast whole weights, and those are saved for the backward pass.
        return constrain(constrain(part, sharding), gathered)

    def divide(_: Any, gradient: Any) -> Any:
        # Summed over the devices first, then divided: on GPU, XLA replaces both by one
        # operation (reduce-scatter). Without the first, XLA divides the activations by features
        # as well, and exchanges them in every layer.
        return constrain(constrain(gradient, gathered), sharding)

    # Not an ordinary constraint, whose gradient has the sharding of its result.
    return linear_call(gather, divide, (), value)


def is_divided(variable: Variable) -> bool:
    """Whether no device has the whole value of a Variable."""
    return variable.sharding is not None and not variable.sharding.is_fully_replicated
