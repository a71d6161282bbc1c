"""Chains of gradient transformations, as in Optax."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from jax import Array

from cornu.core.state.variable import Variable

__all__ = ["GradsAndVars", "Transformation", "chain"]

GradsAndVars: TypeAlias = list[tuple[Array, Variable]]
# Optax passes the state of a transformation in and out. Here the state is in Variables, which a
# transformation reads and assigns; `scope.pure` makes the whole update a pure function.
Transformation: TypeAlias = Callable[[GradsAndVars], GradsAndVars]


def chain(*transformations: Transformation | None) -> Transformation:
    """Composes transformations: each receives what the one before it returns.

    Args:
        *transformations: functions of (gradient, Variable) pairs; None is skipped, so that an
            optional transformation needs no branch where it is listed.

    Example:

    >>> import jax.numpy as jnp
    >>> from cornu import Variable
    >>> def double(grads_and_vars):
    ...     return [(2 * gradient, variable) for gradient, variable in grads_and_vars]
    >>> float(chain(double, None, double)([(jnp.array(1.0), Variable(0.0))])[0][0])
    4.0
    """

    def apply(grads_and_vars: GradsAndVars) -> GradsAndVars:
        for transformation in transformations:
            if transformation is not None:
                grads_and_vars = transformation(grads_and_vars)
        return grads_and_vars

    return apply
