"""EarlyStopping: ends training when a metric gets no better."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.monitor_callback import Monitor
from cornu.terminal.console import console

__all__ = ["EarlyStopping"]


class EarlyStopping(Monitor):
    """Ends training when a metric has not become better for some epochs.

    Args:
        monitor: the metric's name in the logs.
        min_delta: by how much it must change to count as better.
        patience: after how many epochs in a row without improvement training ends.
        verbose: 1 to say so.
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"` asks the metric.
        baseline: a value that must be beaten as well for patience to begin again.
        restore_best_weights: whether the model gets the weights of the best epoch at the end,
            ended early or not.
        start_from_epoch: epochs before this one are not looked at.

    Attributes:
        best, best_epoch: the best value and its epoch, counted from 0.
        stopped_epoch: the epoch after which training was ended, or 0.

    Example:

    >>> import cornu
    >>> stop = cornu.callbacks.EarlyStopping("val_accuracy", patience=3, restore_best_weights=True)

    References: Lutz Prechelt (1998), "Early stopping - but when?".

    Differences: a NaN is never the best value; in Keras a NaN in the first epoch stays the best.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
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
        self._forget()

    def _forget(self) -> None:
        self.wait = 0
        self.stopped_epoch = 0
        self.best: float | None = None
        self.best_epoch = 0
        self.best_weights: Any = None

    def get_monitor_value(self, logs: Any) -> Any:
        """Returns the metric, or None with a warning if it is not there."""
        return self.value(logs)

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins again."""
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the metric."""
        current = self.get_monitor_value(logs)
        if current is None or epoch < self.start_from_epoch:
            return
        self.wait += 1
        if self.improves(current, self.best):
            self.best, self.best_epoch = current, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.baseline is None or self.improves(current, self.baseline):
                self.wait = 0
        elif self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Gives the model its best weights."""
        if self.verbose and self.stopped_epoch:
            console.say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.best_weights is not None:
            if self.verbose:
                console.say(f"Restoring the weights of the best epoch: {self.best_epoch + 1}")
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        """Returns the best value, its epoch and weights, and the epochs without improvement."""
        return {name: getattr(self, name) for name in _STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        for name in _STATE:
            setattr(self, name, state[name])


_STATE = ("best", "best_epoch", "best_weights", "stopped_epoch", "wait")
