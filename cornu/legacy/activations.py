"""Activation functions whose formula changed."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from cornu import registry
from cornu.core.graph.op import op

__all__ = ["HARD_SIGMOID", "hard_sigmoid"]

# Its registered name. Keras does not know it, so that it refuses a file with this function instead
# of computing another one.
HARD_SIGMOID = "keras1>hard_sigmoid"


@op
def hard_sigmoid(x: Any) -> Any:
    """Computes `clip(0.2 * x + 0.5, 0, 1)`, as Keras 1 and 2; in Keras 3 the slope is 1/6."""
    return jnp.clip(0.2 * x + 0.5, 0, 1)


registry.register_keras_serializable(package="keras1")(hard_sigmoid)
