"""Variables of the backend, whose expressions are symbolic."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.dialects.backend import functions, lazy

__all__ = ["create", "recorded_creation", "variable"]

# The Variables of calls that are made again, and the number of those that were made so far.
_recording: ContextVar[tuple[list[Variable], list[int]] | None] = ContextVar("made", default=None)


@contextlib.contextmanager
def recorded_creation(made: list[Variable]) -> Iterator[None]:
    """Makes `variable` and `zeros` return the same Variables each time that a block is run.

    Args:
        made: the Variables in the order of the calls; the first run appends them.
    """
    token = _recording.set((made, [0]))
    try:
        yield
    finally:
        _recording.reset(token)


def variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
) -> Variable:
    """Returns a Variable with an initial value."""
    recording = _recording.get()
    if recording is None:
        return _make(value, dtype, name, constraint)
    made, count = recording
    if count[0] == len(made):
        made.append(_make(value, dtype, name, constraint))
    count[0] += 1
    return made[count[0] - 1]


def _make(value: Any, dtype: Any, name: str | None, constraint: Any) -> Variable:
    if isinstance(value, (Variable, Tensor)):
        value = functions.evaluate(value)
    array = np.asarray(value, dtype or settings.get("floatx"))
    plain = None if name is None else name.replace("/", "_").replace(":", "_")
    return lazy.SymbolicVariable(array, name=plain, constraint=constraint)


def create(array: Any, name: str | None) -> Any:
    """Returns a Variable; inside of a step, where none can be created, the array."""
    around = scope.current()
    if _recording.get() is None and (around.in_pure_function or around.inferring_shapes):
        return jnp.asarray(array)
    return variable(array, array.dtype, name)
