"""What callbacks offer beyond Keras: methods and attributes that Keras's Callback does not have.

A callback that was written for Keras may use these names for something else. Therefore a method
counts only if it accepts the arguments that it is called with, and an attribute only if it has the
type that is expected of it.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Sequence
from typing import Any

from cornu.core.state.variable import Variable

__all__ = ["extension_method", "seconds", "variables_in"]


def extension_method(obj: Any, base: type, name: str, count: int) -> Callable[..., Any]:
    """Returns the method of an object if it takes `count` arguments, else that of a base class."""
    method: Any = getattr(obj, name)
    if callable(method):
        bound = isinstance(method, types.MethodType)
        if _accepts(method.__func__ if bound else method, bound + count):
            own: Callable[..., Any] = method
            return own
    return types.MethodType(getattr(base, name), obj)


def seconds(value: Any) -> float | None:
    """Returns a number of seconds, or None for anything else."""
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def variables_in(value: Any) -> Sequence[Variable]:
    """Returns the Variables in a list or tuple; nothing for anything else."""
    return [v for v in value if isinstance(v, Variable)] if isinstance(value, (list, tuple)) else ()


# Called for each callback after each dispatch; reading a signature takes microseconds.
@functools.lru_cache(maxsize=256)
def _accepts(function: Callable[..., Any], count: int) -> bool:
    try:
        inspect.signature(function).bind(*[None] * count)
    except (TypeError, ValueError):
        return False
    return True
