"""LiveCurve: the metrics so far, drawn again and again in one place of a notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.callbacks.history import History

__all__ = ["LiveCurve"]

_LOOK_EVERY = 1.0  # seconds


class LiveCurve(Callback):
    """Draws the curves of training in a notebook while it goes on; does nothing elsewhere.

    The picture is drawn anew after each epoch, and about once a second within one, where the
    last point of each line is what the epoch has given so far.

    Args:
        metrics: names (without `val_`) of the metrics to draw; all by default.
        log: whether values are drawn on a logarithmic scale.

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
        self._running = 0
        self._shown: Any = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins a picture of its own for this run."""
        self.past, self._shown = History(), None
        self.look_every = _LOOK_EVERY if _notebook() is not None else None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers which epoch it is."""
        self._running = epoch

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Draws with what the epoch has given so far."""
        if logs and steps and self.past.epoch:
            now = History()
            now.set_state(self.past.get_state())
            now.on_epoch_end(self._running - 1 + step / steps, logs)
            self._show(now)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds the epoch's metrics and draws."""
        self.past.on_epoch_end(epoch, logs)
        self._show(self.past)

    def _show(self, history: History) -> None:
        display = _notebook()
        if display is None or not history.history:
            return
        picture = history.plot(self.metrics, self.log, "svg")
        if self._shown is None:
            self._shown = display(picture, display_id=True)
        else:
            self._shown.update(picture)


def _notebook() -> Any:
    """Returns IPython's `display` if the program runs in a notebook, else None."""
    if "IPython" not in sys.modules:
        return None
    from IPython import get_ipython
    from IPython.display import display

    shell = get_ipython()
    # In a terminal IPython can only write a picture's name.
    if shell is None or type(shell).__name__ == "TerminalInteractiveShell":
        return None
    return display
