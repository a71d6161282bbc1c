"""History: the logs of all epochs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cornu.callbacks.callback import Callback
from cornu.graphics.curves import plot_curves
from cornu.graphics.figure import PlotBackend
from cornu.graphics.svg import SVGImage
from cornu.types import Logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]


class History(Callback):
    """Records the logs of each epoch; `fit` adds a History and returns it.

    Attributes:
        history: a dict from the name of a metric to the list of its values.
        epoch: the list of epochs, counted from 0.

    Differences: a History that is passed to `fit` several times continues both attributes. Keras
        resets `epoch`, but not `history`.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[float] = []
        # The epochs of each metric: with `validation_freq` not every epoch has all metrics.
        self._epochs_of: dict[str, list[Any]] = {}

    def on_epoch_end(self, epoch: float, logs: Logs = None) -> None:
        """Appends the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(epoch)

    def plot(
        self,
        metrics: Iterable[str] | str | None = None,
        log: bool = False,
        backend: PlotBackend = "auto",
    ) -> SVGImage | Figure:
        """Plots the metrics over epochs, with training and validation in one panel per metric.

        A notebook displays the result; `save("curves.svg")` writes it to a file.

        Args:
            metrics: names of metrics, without `val_`; by default all.
            log: whether the axis of values is logarithmic.
            backend: "svg", "matplotlib", or "auto": matplotlib if the program has imported
                `matplotlib.pyplot`, otherwise SVG.

        Raises:
            ValueError: a metric or the backend is unknown, or no epoch has ended.
            ImportError: `backend="matplotlib"` and matplotlib is not installed.

        Differences: not in Keras.
        """
        return plot_curves(self.history, self.epoch, metrics, log, backend, self._epochs_of)

    def get_state(self) -> dict[str, Any]:
        """Returns the epochs and their logs."""
        history = {name: list(values) for name, values in self.history.items()}
        at = {name: list(epochs) for name, epochs in self._epochs_of.items()}
        return {"epoch": list(self.epoch), "history": history, "at": at}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores the epochs and their logs."""
        self.epoch = list(state["epoch"])
        self.history = {name: list(values) for name, values in state["history"].items()}
        self._epochs_of = {name: list(epochs) for name, epochs in state.get("at", {}).items()}
