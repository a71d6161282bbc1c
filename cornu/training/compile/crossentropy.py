"""Crossentropies and accuracies that are chosen by the shapes of targets and predictions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from cornu.losses import (
    FunctionLoss,
    Loss,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from cornu.types import SupportsArray

__all__ = ["CrossentropyByShape", "choose_by_shape", "is_crossentropy"]

Choice = TypeVar("Choice")


def choose_by_shape(
    target: SupportsArray,
    prediction: SupportsArray,
    binary: Choice,
    sparse: Choice,
    categorical: Choice,
) -> Choice:
    """Returns one of three choices, depending on the shapes of targets and predictions.

    Args:
        target, prediction: arrays, or objects with a shape.
        binary: for one probability.
        sparse: for class indices.
        categorical: for one-hot rows.
    """
    shape, predicted = target.shape, prediction.shape
    if predicted and predicted[-1] == 1:
        return binary
    if len(shape) < len(predicted) or (shape[-1] == 1 and predicted[-1] > 1):
        return sparse
    return categorical


def is_crossentropy(identifier: object) -> bool:
    """Tells whether a value is the name of the crossentropy that the shapes determine."""
    return isinstance(identifier, str) and identifier.lower() in ("crossentropy", "ce")


class CrossentropyByShape(Loss):
    """The crossentropy for one probability, for class indices or for one-hot rows.

    Args:
        name: see `Loss`.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the values of the crossentropy for these shapes."""
        formula: Callable[..., Any] = choose_by_shape(
            y_true,
            y_pred,
            binary_crossentropy,
            sparse_categorical_crossentropy,
            categorical_crossentropy,
        )
        return FunctionLoss(formula).call(y_true, y_pred)
