"""ReduceLROnPlateau: a smaller learning rate when a metric stops improving."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from cornu.callbacks.monitor_callback import MonitorCallback, MonitorMode
from cornu.callbacks.shared.learning_rates import (
    log_learning_rates,
    optimizers_by_suffix,
    read_learning_rate,
)
from cornu.errors import suggest_argument
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a metric stops improving.

    Args:
        monitor: the name of the metric in the logs.
        factor: a number below 1; `new_rate = rate * factor`.
        patience: the number of epochs without improvement after which the rate is reduced.
        verbose: 1 to print each reduction.
        mode: whether a smaller (`"min"`) or larger (`"max"`) value is better; `"auto"` uses the
            direction of the metric.
        min_delta: the minimum change that counts as an improvement.
        cooldown: the number of epochs after a reduction in which `patience` is not counted.
        min_lr: a lower bound of the learning rate.
        **kwargs: must be empty; part of the signature of Keras.

    Raises:
        ValueError: `factor` is at least 1.

    Example:

    >>> import cornu
    >>> slower = cornu.callbacks.ReduceLROnPlateau(factor=0.2, patience=5, min_lr=0.001)
    """

    _STATE = ("best", "wait", "cooldown_counter")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: MonitorMode = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        for name in kwargs:
            known = inspect.signature(ReduceLROnPlateau).parameters
            raise TypeError(
                f"ReduceLROnPlateau has no argument {name!r}. {suggest_argument(name, known)}"
            )
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1. Received: {factor}")
        super().__init__(monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._reset()

    def _reset(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Returns whether the cooldown after a reduction is still running."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Logs = None) -> None:
        """Resets the state."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Reduces the learning rate if necessary, and adds it to the logs."""
        logs = {} if logs is None else logs
        self._log_rates(logs)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement_(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self._wait(epoch)

    def _log_rates(self, logs: dict[str, Any]) -> None:
        log_learning_rates(self.model, logs)

    def _wait(self, epoch: int) -> None:
        """Counts an epoch without improvement, and reduces the rate if there were enough."""
        self.wait += 1
        self._reduce_if_due(epoch)

    def _reduce_if_due(self, epoch: int) -> None:
        if self.wait >= self.patience and self._reduce(epoch):
            self.cooldown_counter = self.cooldown
            self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        reduced = False
        for suffix, optimizer in optimizers_by_suffix(self.model).items():
            rate = read_learning_rate(optimizer)
            # In the precision of the rate: 0.1 as a float32 is larger than 0.1.
            if rate > np.float32(self.min_lr):
                new = max(rate * self.factor, self.min_lr)
                optimizer.learning_rate = new
                reduced = True
                if self.verbose:
                    name = f"learning_rate{suffix}"
                    console.print(f"Epoch {epoch + 1}: ReduceLROnPlateau sets {name} to {new}")
        return reduced
