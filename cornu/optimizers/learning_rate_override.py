"""LearningRateOverride: sets the learning rates of an optimizer temporarily."""

from __future__ import annotations

import numpy as np

from cornu.core.state.variable import Variable
from cornu.optimizers.base import Optimizer
from cornu.optimizers.wrappers.loss_scale import LossScaleOptimizer
from cornu.optimizers.wrappers.multi import MultiOptimizer

__all__ = ["LearningRateOverride", "wrapped_optimizers"]


class LearningRateOverride:
    """Replaces schedules and functions of an optimizer by numbers, until they are restored.

    Of several optimizers, the one with the largest learning rate receives the rate that is set,
    and the others keep their ratios to it.

    Args:
        optimizer: any optimizer.

    Attributes:
        replaced: whether a schedule or function was replaced, so that programs that were
            compiled with it cannot be used.

    Example:

    >>> from cornu.optimizers import SGD, schedules
    >>> optimizer = SGD(schedules.ExponentialDecay(0.5, 10, 0.5))
    >>> override = LearningRateOverride(optimizer)
    >>> override.set(0.125)
    >>> float(optimizer.learning_rate)
    0.125
    >>> override.restore()
    >>> float(optimizer.learning_rate)
    0.5
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._optimizers = wrapped_optimizers(optimizer)
        values = [float(np.asarray(member.learning_rate)) for member in self._optimizers]
        self._originals = [
            (member._learning_rate_source_, value)
            for member, value in zip(self._optimizers, values, strict=True)
        ]
        # All rates are 0 before the first step of a warm-up that starts at 0: no ratios then.
        self._ratios = [value / max(values) if max(values) else 1.0 for value in values]
        self.replaced = False
        for member, value in zip(self._optimizers, values, strict=True):
            if not isinstance(member._learning_rate_source_, Variable):
                member._learning_rate_source_ = value
                self.replaced = True

    def set(self, rate: float) -> None:
        """Sets the learning rates."""
        for member, ratio in zip(self._optimizers, self._ratios, strict=True):
            member.learning_rate = rate * ratio

    def restore(self) -> None:
        """Restores the original learning rates, schedules and functions."""
        for member, (source, value) in zip(self._optimizers, self._originals, strict=True):
            member._learning_rate_source_ = source
            if isinstance(source, Variable):
                source.assign(value)


def wrapped_optimizers(optimizer: Optimizer) -> list[Optimizer]:
    """Returns the optimizers that have learning rates: an optimizer, or those that it wraps."""
    if isinstance(optimizer, LossScaleOptimizer):
        return wrapped_optimizers(optimizer.inner_optimizer)
    return list(optimizer.optimizers) if isinstance(optimizer, MultiOptimizer) else [optimizer]
