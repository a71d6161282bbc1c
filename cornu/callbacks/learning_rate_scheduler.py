"""LearningRateScheduler: sets the learning rate of each epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.learning_rates import (
    log_learning_rates,
    optimizers_by_suffix,
    read_learning_rate,
)
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of each epoch.

    Args:
        schedule: a function `(epoch, learning_rate)` or `(epoch)` that returns the new learning
            rate as a float. Epochs count from 0.
        verbose: 1 to print the learning rate of each epoch.

    Raises:
        ValueError: `schedule` does not return a float.

    Example:

    >>> import cornu
    >>> decay = cornu.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Sets the learning rate."""
        for suffix, optimizer in optimizers_by_suffix(self.model).items():
            rate = self._compute_rate(epoch, read_learning_rate(optimizer))
            optimizer.learning_rate = rate
            if self.verbose:
                name = f"learning_rate{suffix}"
                console.print(f"Epoch {epoch + 1}: LearningRateScheduler sets {name} to {rate}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Adds the learning rate to the logs."""
        log_learning_rates(self.model, {} if logs is None else logs)

    def _compute_rate(self, epoch: int, rate: float) -> float:
        new = self.schedule(epoch, rate) if _accepts_rate(self.schedule) else self.schedule(epoch)
        if np.ndim(new) or not np.issubdtype(np.asarray(new).dtype, np.floating):
            raise ValueError(
                "LearningRateScheduler: `schedule` must return a float. "
                f"Received: {new!r} (of type {type(new).__name__}) for epoch {epoch}."
            )
        return float(new)


def _accepts_rate(function: Callable[..., Any]) -> bool:
    # Not by calling it: a TypeError raised inside of the schedule would be hidden.
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    return True
