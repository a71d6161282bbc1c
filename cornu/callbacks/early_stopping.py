"""EarlyStopping: stops training when a metric stops improving."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.monitor_callback import MonitorCallback, MonitorMode
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["EarlyStopping"]


class EarlyStopping(MonitorCallback):
    """Stops training when a metric has not improved for a number of epochs.

    Args:
        monitor: the name of the metric in the logs.
        min_delta: the minimum change that counts as an improvement.
        patience: the number of consecutive epochs without improvement after which training stops.
        verbose: 1 to print when training stops.
        mode: whether a smaller (`"min"`) or larger (`"max"`) value is better; `"auto"` uses the
            direction of the metric.
        baseline: a value that the metric must also beat for the patience counter to be reset.
        restore_best_weights: whether the model gets the weights of the best epoch when training
            ends, early or not.
        start_from_epoch: the first epoch that is monitored.

    Attributes:
        best, best_epoch: the best value and its epoch, counted from 0.
        stopped_epoch: the epoch after which training was stopped, or 0.

    Example:

    >>> import cornu
    >>> stop = cornu.callbacks.EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)

    References: Lutz Prechelt (1998), "Early stopping - but when?".

    Fixes: NaN is never the best value. In Keras, NaN in the first epoch remains the best.
    """

    _STATE = ("best", "best_epoch", "best_weights", "stopped_epoch", "wait")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: MonitorMode = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self._reset()

    def _reset(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Resets the state."""
        self._reset()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Compares the metric with its best value, and stops training if necessary."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self._is_improvement_(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self._is_improvement_(current, self.baseline):
                self.wait = 0
        # Never after the first epoch, even with `patience=0`, as in Keras.
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        """Restores the best weights."""
        if self.verbose and self.stopped_epoch:
            console.print(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                console.print(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)
