"""ReduceLROnPlateau: smaller steps when a metric gets no better."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu.callbacks.monitor_callback import Monitor
from cornu.callbacks.shared.learning_rates import log_rates, optimizers_of, rate_of
from cornu.terminal.console import console

__all__ = ["ReduceLROnPlateau"]


class ReduceLROnPlateau(Monitor):
    """Multiplies the learning rate by a factor when a metric has not become better for a while.

    Args:
        monitor: the metric's name in the logs.
        factor: below 1; `new rate = rate * factor`.
        patience: after how many epochs without improvement the rate is reduced.
        verbose: 1 to say so.
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"` asks the metric.
        min_delta: by how much the metric must change to count as better.
        cooldown: for how many epochs after a reduction nothing is counted.
        min_lr: the rate is not reduced below this.
        **kwargs: none; Keras has them for names of old versions.

    Raises:
        ValueError: `factor` is 1 or more.

    Example:

    >>> import cornu
    >>> slower = cornu.callbacks.ReduceLROnPlateau(factor=0.2, patience=5, min_lr=0.001)
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        for name in kwargs:
            raise TypeError(f"ReduceLROnPlateau has no argument {name!r}.")
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau: factor must be below 1. Received: {factor}")
        super().__init__(monitor, mode, min_delta)
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self._forget()

    def _forget(self) -> None:
        self.best: float | None = None
        self.wait = 0
        self.cooldown_counter = 0

    def in_cooldown(self) -> bool:
        """Tells whether a reduction is so recent that nothing is counted."""
        return self.cooldown_counter > 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins again."""
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the metric, and adds the learning rate to the logs."""
        logs = {} if logs is None else logs
        log_rates(self.model, logs)
        current = self.value(logs)
        if current is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.improves(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        reduced = False
        for suffix, optimizer in optimizers_of(self.model).items():
            rate = rate_of(optimizer)
            if rate > np.float32(self.min_lr):
                new = max(rate * self.factor, self.min_lr)
                optimizer.learning_rate = new
                reduced = True
                if self.verbose:
                    name = f"learning_rate{suffix}"
                    console.say(f"Epoch {epoch + 1}: ReduceLROnPlateau sets {name} to {new}")
        return reduced

    def get_state(self) -> dict[str, Any]:
        """Returns the best value, and the counts of epochs."""
        return {name: getattr(self, name) for name in _STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        for name in _STATE:
            setattr(self, name, state[name])


_STATE = ("best", "wait", "cooldown_counter")
