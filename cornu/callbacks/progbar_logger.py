"""ProgbarLogger: shows how training, evaluation or prediction gets on."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback
from cornu.terminal.console import console
from cornu.terminal.progbar import Progbar

__all__ = ["ProgbarLogger"]

_REDRAWN_EVERY = 0.1  # seconds


class ProgbarLogger(Callback):
    """Shows progress and metrics; `fit`, `evaluate` and `predict` add it unless `verbose=0`.

    With `verbose=1` it draws a bar in a terminal or notebook, at most ten times a second; where
    standard output is a file or pipe, it writes one line when an epoch has ended. With
    `verbose=2` that line follows one with the number of the epoch.

    Differences: the time per step leaves out compilation (as far as other steps follow) and
        validation. In a file Keras's bar leaves a line for each time that it is drawn.
    """

    def __init__(self) -> None:
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._bar: Progbar | None = None
        self._seen = 0
        self._broken_off = False
        self._fitting = False
        self._compiled = False  # which takes a while: a bar is there before the first step

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes `verbose`, `epochs` and `steps` of the run."""
        self.params = params
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")
        draws = self.verbose == 1 and console.interactive
        counts = 0.0 if self.verbose else None  # whenever steps come back, for their number alone
        self.look_every = _REDRAWN_EVERY if draws and self.target is not None else counts

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Draws the bar."""
        first = not self._seen
        self._seen, self.target, self._compiled = step, steps, True
        self._broken_off = self._fitting and self.model is not None and self.model.stop_training
        # Of an iterable every step comes here: most of them have to do no more than this.
        if self._bar is not None and (first or self._bar.due):
            self._bar.target = steps
            self._bar.update(step, None if logs is None else logs.items(), finalize=False)

    def on_train_begin(self, logs: Any = None) -> None:
        """Remembers that evaluation is validation from now on."""
        self._fitting = True

    def on_train_end(self, logs: Any = None) -> None:
        """Leaves the line if an epoch was broken off."""
        self._fitting = False
        console.end()

    def on_train_exception(self, error: BaseException) -> None:
        """Leaves the line, so that what is written about the error has one of its own."""
        self._bar = None
        self.on_train_end()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins a bar."""
        title = f"Epoch {epoch + 1}/{self.epochs}" if self.epochs > 1 else ""
        alone = self.verbose == 2 or console.interactive
        if self.verbose and title and alone:
            console.say(title)
        self._begin("" if alone or not title else f"{title} - ")

    def on_resume(self, epoch: int, step: int) -> None:
        """Begins a bar that is partly full."""
        self.on_epoch_begin(epoch)
        self._seen = step

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ends the bar with the epoch's metrics."""
        self._end(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Begins a bar, unless this is validation."""
        if not self._fitting:
            self._begin()
        elif self._bar is not None:
            self._bar.target = self.target or self._seen
            self._bar.stop_clock(self._done, "validating")

    def on_test_end(self, logs: Any = None) -> None:
        """Ends the bar, unless this is validation."""
        if not self._fitting:
            self._end(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Begins a bar."""
        self._begin()

    def on_predict_end(self, logs: Any = None) -> None:
        """Ends the bar."""
        self._end(None)

    def _begin(self, title: str = "") -> None:
        self._seen, self._broken_off = 0, False
        every = _REDRAWN_EVERY
        self._bar = Progbar(self.target, interval=every, verbose=self.verbose, stateless_metrics=())
        self._bar.title = title
        self._bar.begin(compiles=not self._compiled)

    @property
    def _done(self) -> int:
        """The number of steps that were run when there are no more."""
        return self._seen if self._broken_off else self.target or self._seen

    def _end(self, logs: Any) -> None:
        if self._bar is not None:
            self._bar.target = self.target or self._seen
            self._bar.update(self._done, (logs or {}).items(), finalize=True)
            self._bar = None
