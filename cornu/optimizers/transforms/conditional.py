"""Conditionals whose branches assign Variables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cornu.core.state import scope
from cornu.core.state.variable import Variable

__all__ = ["stateful_cond"]


def stateful_cond(
    condition: Any,
    true_fn: Callable[[], None],
    false_fn: Callable[[], None],
    variables: Sequence[Variable],
) -> None:
    """Calls one of two functions that assign Variables, as `jax.lax.cond` calls pure ones.

    A concrete condition selects the function at once. A traced one becomes a conditional of the
    compiled program, in which only the selected branch is computed.

    Args:
        condition: a boolean.
        true_fn: called if the condition holds.
        false_fn: called if it does not.
        variables: all Variables that either function may assign.
    """
    if not isinstance(condition, jax.core.Tracer):
        (true_fn if condition else false_fn)()
        return
    current = scope.current()
    values = tuple(current.read(variable) for variable in variables)
    branches = (scope.pure(true_fn, variables), scope.pure(false_fn, variables))
    _, new_values, _ = jax.lax.cond(condition, *branches, values, None)
    for variable, value in zip(variables, new_values, strict=True):
        current.write(variable, value)
