"""History: what happened, epoch by epoch."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback

__all__ = ["History"]


class History(Callback):
    """Remembers the logs of every epoch; `fit` adds one by itself and returns it.

    Attributes:
        history: the values of each metric, one for each epoch, by name.
        epoch: the numbers of these epochs.

    Differences: one History given to `fit` several times goes on with both; Keras begins `epoch`
        again, and only that.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Appends the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def get_state(self) -> dict[str, Any]:
        """Returns the epochs and their logs."""
        history = {name: list(values) for name, values in self.history.items()}
        return {"epoch": list(self.epoch), "history": history}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up epochs and logs."""
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}
