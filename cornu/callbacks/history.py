"""History: the logs of all epochs."""

from __future__ import annotations

from collections.abc import Iterable
from os import PathLike
from typing import TYPE_CHECKING, Any

from cornu import graphics
from cornu.callbacks.callback import Callback
from cornu.errors import quantity
from cornu.names import printable
from cornu.types import Logs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["History"]


def _format(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


class History(Callback):
    """Records the logs of each epoch; `fit` adds a History and returns it.

    Attributes:
        history: a dict from the name of a metric to the list of its values.
        epoch: the list of epochs, counted from 0.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x = np.zeros((2, 1))
    >>> history = model.fit(x, x, epochs=2, verbose=0)
    >>> history.history, history.epoch
    ({'loss': [0.0, 0.0]}, [0, 1])

    Differences: a History that is passed to `fit` several times continues both attributes. Keras
        resets `epoch`, but not `history`.
    """

    def __init__(self) -> None:
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[float] = []
        # The epochs of each metric: with `validation_freq` not every epoch has all metrics.
        self._epochs_of: dict[str, list[Any]] = {}

    def __repr__(self) -> str:
        last = [f"{printable(name)}={_format(values[-1])}" for name, values in self.history.items()]
        return f"<History: {', '.join([quantity(len(self.epoch), 'epoch'), *last])}>"

    def on_epoch_end(self, epoch: float, logs: Logs = None) -> None:
        """Appends the epoch's logs."""
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
            self._epochs_of.setdefault(name, []).append(epoch)

    def plot(
        self,
        metrics: Iterable[str] | str | PathLike[str] | None = None,
        log: bool = False,
        backend: graphics.PlotBackend = "auto",
        to_file: str | PathLike[str] | None = None,
    ) -> graphics.SVGImage | Figure:
        """Plots the metrics over epochs, with training and validation in one panel per metric.

        A notebook displays the result. `plot("curves.png")` is short for
        `plot(to_file="curves.png")`.

        Args:
            metrics: names of metrics, without `val_`; by default all.
            to_file: the file: `.svg`, or with matplotlib also `.png` and `.pdf`. Without
                matplotlib, an SVG file is written instead, which is said once.
            log: whether the axis of values is logarithmic.
            backend: "svg", "matplotlib", or "auto": matplotlib if the program has imported
                `matplotlib.pyplot`, otherwise SVG.

        Raises:
            ValueError: a metric, the backend or the suffix of the file is unknown, or no epoch has
                ended.
            ImportError: `backend="matplotlib"` and matplotlib is not installed.

        Differences: not in Keras.
        """
        if isinstance(metrics, PathLike) or (
            isinstance(metrics, str) and metrics.lower().endswith(graphics.FILE_SUFFIXES)
        ):
            metrics, to_file = None, metrics
        return graphics.plot_curves(
            self.history, self.epoch, metrics, log, backend, self._epochs_of, to_file
        )

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
