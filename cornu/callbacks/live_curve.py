"""LiveCurve: a plot of the metrics in a notebook, updated during training."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.callbacks.history import History
from cornu.types import Logs

__all__ = ["LiveCurve"]

_LOOK_EVERY = 1.0  # seconds


class LiveCurve(Callback):
    """Plots the metrics in a notebook during training; does nothing elsewhere.

    The plot is updated after each epoch, and about once a second within an epoch. The last point
    of each line shows the metrics of the current epoch so far.

    Args:
        metrics: names of metrics, without `val_`; by default all.
        log: whether the axis of values is logarithmic.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = cornu.ops.ones((4, 2)), cornu.ops.ones((4, 1))
    >>> history = model.fit(x, y, epochs=2, verbose=0, callbacks=[LiveCurve(log=True)])
    """

    def __init__(self, metrics: Iterable[str] | str | None = None, log: bool = False) -> None:
        self.metrics = metrics
        self.log = log
        self.past = History()
        self._epoch = 0
        self._display_handle: Any = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts a new plot."""
        self.past, self._display_handle = History(), None
        self.look_every = _LOOK_EVERY if _find_notebook_display() is not None else None

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Records the epoch."""
        self._epoch = epoch

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Updates the plot with the metrics of the epoch so far."""
        if logs and steps and self.past.epoch:
            now = History()
            now.set_state(self.past.get_state())
            now.on_epoch_end(self._epoch - 1 + step / steps, logs)
            self._show(now)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Updates the plot with the metrics of the epoch."""
        self.past.on_epoch_end(epoch, logs)
        self._show(self.past)

    def _show(self, history: History) -> None:
        display = _find_notebook_display()
        if display is None or not history.history:
            return
        picture = history.plot(self.metrics, self.log, "svg")
        if self._display_handle is None:
            self._display_handle = display(picture, display_id=True)
        else:
            self._display_handle.update(picture)


def _find_notebook_display() -> Any:
    """Returns IPython's `display` if the program runs in a notebook, otherwise None."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython
    from IPython.display import display

    shell = get_ipython()
    # In a terminal, IPython can only print the repr of a plot.
    if shell is None or type(shell).__name__ == "TerminalInteractiveShell":
        return None
    return display
