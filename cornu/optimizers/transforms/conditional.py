"""A branch of code that assigns Variables, eagerly and inside a compiled step alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from cornu.core.state import scope
from cornu.core.state.variable import Variable

__all__ = ["stateful_cond"]


def stateful_cond(
    condition: Any,
    yes: Callable[[], None],
    no: Callable[[], None],
    variables: Sequence[Variable],
) -> None:
    """Calls `yes` or `no`, of which each may assign any of `variables`.

    A condition that is known decides at once. One that is only known when a compiled step runs
    decides there, and the branch that is not taken costs nothing.
    """
    if not isinstance(condition, jax.core.Tracer):
        (yes if condition else no)()
        return
    here = scope.current()
    values = tuple(here.read(variable) for variable in variables)
    branches = (scope.pure(yes, variables), scope.pure(no, variables))
    _, news, _ = jax.lax.cond(condition, *branches, values, None)
    for variable, new in zip(variables, news, strict=True):
        here.write(variable, new)
