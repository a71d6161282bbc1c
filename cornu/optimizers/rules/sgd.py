"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Unpack

from jax import Array

from cornu.optimizers.arguments import SharedArguments, accept_shared_arguments
from cornu.optimizers.schedules import LearningRateLike
from cornu.optimizers.update_rule import SlotValues, UpdateRule

__all__ = ["SGD"]


class SGD(UpdateRule):
    """Stochastic gradient descent, with or without momentum.

    Plain:     value <- value - learning_rate * gradient
    Momentum:  v <- momentum * v - learning_rate * gradient;  value <- value + v
    Nesterov:  the same v;  value <- value + momentum * v - learning_rate * gradient

    Args:
        learning_rate: see `Optimizer`, also for the arguments that are not listed here.
        momentum: the fraction of the previous step that is added, between 0 and 1.
        nesterov: whether to use Nesterov momentum.

    References: Ilya Sutskever, James Martens, George Dahl, Geoffrey Hinton (2013), "On the
        importance of initialization and momentum in deep learning".

    Note: in PyTorch the momentum does not include the learning rate, so that a change of the rate
    takes full effect at once.

    Example:

    >>> import cornu
    >>> w = cornu.Variable(1.0, name="w")
    >>> optimizer = SGD(learning_rate=0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.apply([w.value], [w])
    >>> float(w)
    0.4375
    """

    @accept_shared_arguments
    def __init__(
        self,
        learning_rate: LearningRateLike = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        **shared: Unpack[SharedArguments],
    ) -> None:
        super().__init__(learning_rate, **shared)
        if not 0 <= momentum <= 1:
            raise ValueError(
                f"{self._label_()}: momentum must be between 0 and 1. Received: {momentum}"
            )
        self.momentum = momentum
        self.nesterov = nesterov
        self.slots = (("momentum",),) if momentum else ()

    def update(
        self, gradient: Array, value: Array, slots: SlotValues, learning_rate: Array
    ) -> tuple[Array, SlotValues]:
        """Returns the new value and momentum."""
        step = learning_rate * gradient
        if not self.momentum:
            return value - step, {}
        momentum = self.momentum * slots["momentum"] - step
        if self.nesterov:
            return value + (self.momentum * momentum - step), {"momentum": momentum}
        return value + momentum, {"momentum": momentum}
