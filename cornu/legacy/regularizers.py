"""Penalties whose formula changed."""

from __future__ import annotations

from typing import Any

from cornu import registry
from cornu.parts import regularizers

__all__ = ["SUMMED", "SummedActivityRegularizer"]

SUMMED = "keras1>Activity"  # its registered name


@registry.register_keras_serializable(package="keras1", name="Activity")
class SummedActivityRegularizer(regularizers.Regularizer):
    """A penalty on outputs that is summed over the batch, as in Keras 1 and 2.

    Keras 3 divides it by the batch size.

    Args:
        penalty: the regularizer.
    """

    def __init__(self, penalty: Any) -> None:
        self.penalty = regularizers.get(penalty)

    def __call__(self, x: Any) -> Any:
        return self.penalty(x) * x.shape[0]
