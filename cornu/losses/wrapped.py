"""WrappedLoss: a loss object with the protocol of Keras."""

from __future__ import annotations

from typing import Protocol

from cornu.losses.base import Loss
from cornu.types import ArrayLike, Reduction

__all__ = ["LossObject", "WrappedLoss"]


class LossObject(Protocol):
    """A loss object of another library."""

    name: str
    reduction: Reduction | None

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> ArrayLike:
        """Returns the values, one per sample (or time step, pixel, ...)."""


class WrappedLoss(Loss):
    """A loss object of an installed Keras, whose values are weighted, masked and reduced here.

    Args:
        loss: the object.

    Example:

    >>> class Fourth:
    ...     name, reduction = "fourth", "sum"
    ...
    ...     def call(self, y_true, y_pred):
    ...         return (y_true - y_pred) ** 4
    >>> float(WrappedLoss(Fourth())([1.0, 1.0], [0.0, 3.0]))
    17.0
    """

    def __init__(self, loss: LossObject) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.fn = loss

    def call(self, y_true: ArrayLike, y_pred: ArrayLike) -> ArrayLike:
        """Returns the values of the loss."""
        return self.fn.call(y_true, y_pred)
