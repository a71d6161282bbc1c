"""Variables of the backend, whose expressions are symbolic."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from cornu import settings
from cornu.core.graph.tensor import Tensor
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.dialects.backend import functions, lazy

__all__ = ["create", "variable"]


def variable(
    value: Any, dtype: Any = None, name: str | None = None, constraint: Any = None
) -> Variable:
    """Returns a Variable with an initial value."""
    if isinstance(value, (Variable, Tensor)):
        value = functions.evaluate(value)
    array = np.asarray(value, dtype or settings.get("floatx"))
    plain = None if name is None else name.replace("/", "_").replace(":", "_")
    return lazy.SymbolicVariable(array, name=plain, constraint=constraint)


def create(array: Any, name: str | None) -> Any:
    """Returns a Variable; inside of a step, where none can be created, the array."""
    around = scope.current()
    if around.in_pure_function or around.inferring_shapes:
        return jnp.asarray(array)
    return variable(array, array.dtype, name)
