"""ProgbarLogger: displays the progress of training, evaluation and prediction."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback
from cornu.terminal.console import console
from cornu.terminal.progbar import Progbar
from cornu.types import Logs

__all__ = ["ProgbarLogger"]

_UPDATE_EVERY = 0.1  # seconds


class ProgbarLogger(Callback):
    """Displays progress and metrics; `fit`, `evaluate` and `predict` add it unless `verbose=0`.

    With `verbose=1`, it displays a bar in a terminal or notebook and updates it at most ten times
    a second. If standard output is a file or pipe, it writes one line per epoch instead. With
    `verbose=2`, it writes that line after a line with the number of the epoch.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x = np.zeros((2, 1))
    >>> history = model.fit(x, x, verbose=1)
    1/1 - ... - loss: 0.0000

    Differences: the time per step excludes validation, and compilation if there is more than one
        step. In a file, the bar of Keras writes a line for each update.
    """

    def __init__(self) -> None:
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._bar: Progbar | None = None
        self._seen = 0
        self._is_interrupted = False
        self._fitting = False
        self._compiled = False  # before, an empty bar is displayed: compiling may take long

    def set_params(self, params: dict[str, Any]) -> None:
        """Sets `params`: `verbose`, `epochs` and `steps` of the run."""
        self.params = params
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")
        has_bar = self.verbose == 1 and console.interactive
        # After each dispatch: without a bar, only the number of steps is recorded.
        counts = 0.0 if self.verbose else None
        self.look_every = _UPDATE_EVERY if has_bar and self.target is not None else counts

    def get_state(self) -> dict[str, Any]:
        """Returns nothing: the bar restarts, and `verbose` may differ when training resumes."""
        return {}

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Updates the bar."""
        first = not self._seen
        self._seen, self.target, self._compiled = step, steps, True
        self._is_interrupted = self._fitting and self.model is not None and self.model.stop_training
        # With data of unknown length, this is called after each step, so it must be cheap.
        if self._bar is not None and (first or self._bar.due):
            self._bar.target = steps
            self._bar.update(step, None if logs is None else logs.items(), finalize=False)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts to treat evaluation as validation."""
        self._fitting = True

    def on_train_end(self, logs: Logs = None) -> None:
        """Ends the line of an epoch that was interrupted."""
        self._fitting = False
        console.end_line()

    def on_train_exception(self, error: BaseException) -> None:
        """Ends the line, so that the traceback starts on a line of its own."""
        self._bar = None
        self.on_train_end()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Starts a bar."""
        title = f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else ""
        separate = self.verbose == 2 or console.interactive
        if self.verbose and title and separate:
            console.print(title)
        self._start_bar("" if separate or not title else f"{title} - ")

    def on_resume(self, epoch: int, step: int) -> None:
        """Starts a bar that is partly full."""
        self.on_epoch_begin(epoch)
        self._seen = step

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Ends the bar with the metrics of the epoch."""
        self._end_bar(logs)

    def on_test_begin(self, logs: Logs = None) -> None:
        """Starts a bar, except for validation."""
        if not self._fitting:
            self._start_bar()
        elif self._bar is not None:
            self._bar.target = self.target or self._seen
            self._bar.stop_clock(self._completed, "validating")

    def on_test_end(self, logs: Logs = None) -> None:
        """Ends the bar, except for validation."""
        if not self._fitting:
            self._end_bar(logs)

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Starts a bar."""
        self._start_bar()

    def on_predict_end(self, logs: Logs = None) -> None:
        """Ends the bar."""
        self._end_bar(None)

    def _start_bar(self, title: str = "") -> None:
        self._seen, self._is_interrupted = 0, False
        every = _UPDATE_EVERY
        self._bar = Progbar(self.target, interval=every, verbose=self.verbose, stateless_metrics=())
        self._bar.title = title
        self._bar.begin(compiles=not self._compiled)

    @property
    def _completed(self) -> int:
        """The number of completed steps when an epoch ends."""
        return self._seen if self._is_interrupted else self.target or self._seen

    def _end_bar(self, logs: Logs) -> None:
        if self._bar is not None:
            self._bar.target = self.target or self._seen
            self._bar.update(self._completed, (logs or {}).items(), finalize=True)
            self._bar = None
