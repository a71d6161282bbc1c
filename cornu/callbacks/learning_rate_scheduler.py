"""LearningRateScheduler: a new learning rate for every epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.learning_rates import log_rates, optimizers_of, rate_of
from cornu.terminal.console import console

__all__ = ["LearningRateScheduler"]


class LearningRateScheduler(Callback):
    """Sets the learning rate at the beginning of every epoch.

    Args:
        schedule: a function of the epoch (from 0) and the current learning rate, or of the epoch
            alone, that returns the new learning rate as a float.
        verbose: 1 to say it.

    Raises:
        ValueError: `schedule` returned something else than a float.

    Example:

    >>> import cornu
    >>> decay = cornu.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9)
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        self.schedule = schedule
        self.verbose = verbose

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the learning rate."""
        for suffix, optimizer in optimizers_of(self.model).items():
            rate = self._next(epoch, rate_of(optimizer))
            optimizer.learning_rate = rate
            if self.verbose:
                name = f"learning_rate{suffix}"
                console.say(f"Epoch {epoch + 1}: LearningRateScheduler sets {name} to {rate}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds the learning rate to the logs."""
        log_rates(self.model, {} if logs is None else logs)

    def _next(self, epoch: int, rate: float) -> float:
        new = self.schedule(epoch, rate) if _takes_two(self.schedule) else self.schedule(epoch)
        if np.ndim(new) or not np.issubdtype(np.asarray(new).dtype, np.floating):
            raise ValueError(
                "LearningRateScheduler: `schedule` must return a float. "
                f"Received {new!r} (of type {type(new).__name__}) for epoch {epoch}."
            )
        return float(new)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(0, 0.0)
    except TypeError:
        return False
    return True
