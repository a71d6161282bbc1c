"""Custom steps with the signature of Keras on JAX: `train_step(self, state, data)`.

They return logs and the new state; the state is a tuple of lists of values of Variables. Custom
steps do not need it (see `Model.train_step`); it is supported for programs written for Keras.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from cornu.core.state.variable import Variable
from cornu.errors import quantity
from cornu.types import DataLike

__all__ = ["assign", "run", "takes_state", "values_of", "with_state"]


def takes_state(step: Callable[..., Any]) -> bool:
    """Whether a bound step has the parameters `(state, data)`, or takes any, such as `*args`."""
    parameters = inspect.signature(step).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [p for p in parameters if p.kind in kinds]
    if not named and any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return True  # as in Keras on JAX, which passes both to every step
    return sum(p.default is p.empty for p in named) == 2


def run(
    step: Callable[..., Any],
    owners: Sequence[Sequence[Variable]],
    returned: Sequence[Sequence[Variable]],
    data: DataLike,
) -> Any:
    """Runs a step `(state, data) -> (result, state)`, and assigns the new state to the Variables.

    Args:
        step: the bound step.
        owners: the Variables of each part of the state.
        returned: the Variables of each part of the state that the step returns; a single part is
            returned without a tuple around it.
        data: a batch, which is passed to the step.

    Returns:
        The result of the step.

    Raises:
        TypeError: the step does not return a result and a state of the same structure.
    """
    found = step(values_of(owners), data)
    sizes = [len(part) for part in returned]
    parts = None
    if isinstance(found, tuple) and len(found) == 2:
        parts = (found[1],) if len(returned) == 1 else found[1]
    if parts is None or [len(part) for part in parts] != sizes:
        raise TypeError(
            f"{step.__qualname__}(state, data) must return a result and the new state, with the "
            f"same {quantity(len(sizes), 'part')} of {sizes} values as `state`. Received: "
            f"{_describe_result(found)}."
        )
    assign(returned, parts)
    return found[0]


def with_state(
    step: Callable[[], Any],
    state: Sequence[Sequence[Any]],
    owners: Sequence[Sequence[Variable]],
    returned: Sequence[Sequence[Variable]],
) -> tuple[Any, Any]:
    """Runs a step that reads and assigns Variables as a function of the state.

    Args:
        step: a function without arguments.
        state: the values of the Variables of each part.
        owners, returned: as in `run`.

    Returns:
        The result of the step, and the new state.
    """
    assign(owners, state)
    result = step()
    new = values_of(returned)
    return result, new[0] if len(new) == 1 else new


def values_of(owners: Sequence[Sequence[Variable]]) -> tuple[list[Any], ...]:
    """Returns the values of the Variables of each part of a state."""
    return tuple([v.value for v in variables] for variables in owners)


def assign(owners: Sequence[Sequence[Variable]], state: Sequence[Sequence[Any]]) -> None:
    """Assigns the values of each part of a state to its Variables."""
    for variables, values in zip(owners, state, strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)


def _describe_result(found: Any) -> str:
    if isinstance(found, tuple):
        return f"a tuple of {len(found)}" + (
            f", with a state of {[len(part) for part in found[1]]}"
            if len(found) == 2 and isinstance(found[1], (tuple, list))
            else ""
        )
    return f"a {type(found).__name__}"
