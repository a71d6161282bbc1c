"""WrappedLoss: a loss object with the protocol of Keras."""

from __future__ import annotations

from typing import Any

from cornu.losses.base import Loss

__all__ = ["WrappedLoss"]


class WrappedLoss(Loss):
    """A loss object of an installed Keras, whose values are weighted, masked and reduced here.

    Args:
        loss: an object with the method `call(y_true, y_pred)` and the attributes `name` and
            `reduction`.
    """

    def __init__(self, loss: Any) -> None:
        super().__init__(name=loss.name, reduction=loss.reduction)
        self.fn = loss

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the values of the loss."""
        return self.fn.call(y_true, y_pred)
