"""History: what happened, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.graphics.curves import curves

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
        self.epoch: list[Any] = []
        self._at: dict[str, list[Any]] = {}  # validation may come only every few epochs

    def on_epoch_end(self, epoch: Any, logs: Any = None) -> None:
        """Appends the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._at.setdefault(name, []).append(epoch)

    def plot(
        self,
        metrics: Iterable[str] | str | None = None,
        log: bool = False,
        backend: str = "auto",
    ) -> Any:
        """Returns the curves of the metrics: a panel each, training and validation together.

        A notebook shows the picture; `save("curves.svg")` writes it.

        Args:
            metrics: names (without `val_`) of those to draw; all by default.
            log: whether values are drawn on a logarithmic scale.
            backend: "svg", "matplotlib" for a figure, or "auto": a figure if the program has
                imported `matplotlib.pyplot`, else SVG.

        Raises:
            ValueError: an unknown metric or backend, or no epoch has ended.
            ImportError: `backend="matplotlib"` without matplotlib.

        Differences: Keras has none.
        """
        return curves(self.history, self.epoch, metrics, log, backend, self._at)

    def get_state(self) -> dict[str, Any]:
        """Returns the epochs and their logs."""
        history = {name: list(values) for name, values in self.history.items()}
        at = {name: list(epochs) for name, epochs in self._at.items()}
        return {"epoch": list(self.epoch), "history": history, "at": at}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up epochs and logs."""
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}
        self._at = {name: list(epochs) for name, epochs in state.get("at", {}).items()}
