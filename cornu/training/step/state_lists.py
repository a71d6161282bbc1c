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

__all__ = ["run", "takes_state"]


def takes_state(step: Callable[..., Any]) -> bool:
    """Whether a bound step has the parameters `(state, data)`."""
    parameters = inspect.signature(step).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in kinds and p.default is p.empty for p in parameters) == 2


def run(step: Callable[..., Any], owners: Sequence[Sequence[Variable]], data: DataLike) -> Any:
    """Runs a step `(state, data) -> (result, state)`, and assigns the new state to the Variables.

    Args:
        step: the bound step.
        owners: the Variables of each part of the state.
        data: a batch `(x, y, sample_weight)`, which is passed to the step in Keras's format.

    Returns:
        The result of the step.

    Raises:
        TypeError: the step does not return a result and a state of the same structure.
    """
    state = tuple([v.value for v in variables] for variables in owners)
    found = step(state, _pack_like_keras(*data))
    sizes = [len(part) for part in state]
    if not isinstance(found, tuple) or len(found) != 2 or [len(p) for p in found[1]] != sizes:
        raise TypeError(
            f"{step.__qualname__}(state, data) must return a result and the new state, with the "
            f"same {quantity(len(sizes), 'part')} of {sizes} values as `state`. Received: "
            f"{_describe_result(found)}."
        )
    for variables, values in zip(owners, found[1], strict=True):
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return found[0]


def _pack_like_keras(x: DataLike, y: DataLike, sample_weight: DataLike) -> Any:
    if sample_weight is not None:
        return x, y, sample_weight
    return x if y is None and not isinstance(x, (list, tuple)) else (x, y)[: 1 + (y is not None)]


def _describe_result(found: Any) -> str:
    if isinstance(found, tuple):
        return f"a tuple of {len(found)}" + (
            f", with a state of {[len(part) for part in found[1]]}"
            if len(found) == 2 and isinstance(found[1], (tuple, list))
            else ""
        )
    return f"a {type(found).__name__}"
