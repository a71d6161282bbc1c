"""Moving averages of a model's Variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from cornu.core.state.variable import Variable

__all__ = ["overwrite", "update"]


def update(averages: Mapping[Variable, Variable], momentum: float, step: Any) -> None:
    """Moves every average a little towards its Variable; in step 0 it becomes its copy.

    average <- momentum * average + (1 - momentum) * value
    """
    kept = jnp.where(step == 0, 0.0, momentum)
    for variable, average in averages.items():
        average.assign(kept * average.value + (1 - kept) * variable.value)


def overwrite(averages: Mapping[Variable, Variable], condition: Any) -> None:
    """Sets every Variable to its average where the condition holds."""
    for variable, average in averages.items():
        variable.assign(jax.lax.select(condition, average.value, variable.value))
