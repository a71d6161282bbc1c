"""ProgbarLogger: shows how training, evaluation or prediction gets on."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback
from cornu.callbacks.console import console
from cornu.callbacks.progbar import Progbar

__all__ = ["ProgbarLogger"]

_REDRAWN_EVERY = 0.1  # seconds


class ProgbarLogger(Callback):
    """Shows progress and metrics; `fit`, `evaluate` and `predict` add it unless `verbose=0`.

    With `verbose=1` it draws a bar, at most ten times a second; with `verbose=2`, or where
    standard output is no terminal, it writes one line when an epoch has ended.

    Differences: the time per step leaves out compilation (as far as other steps follow) and
        validation.
    """

    def __init__(self) -> None:
        self.verbose = 1
        self.epochs = 1
        self.target: int | None = None
        self._bar: Progbar | None = None
        self._seen = 0
        self._fitting = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Takes `verbose`, `epochs` and `steps` of the run."""
        self.params = params
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")
        draws = self.verbose == 1 and console.interactive
        self.look_every = _REDRAWN_EVERY if draws else None
        if self.target is None:
            self.look_every = 0.0  # steps must be counted

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Draws the bar."""
        self._seen = step
        if self._bar is not None:
            self._bar.target = self.target = steps
            self._bar.update(step, None if logs is None else logs.items(), finalize=False)

    def on_train_begin(self, logs: Any = None) -> None:
        """Remembers that evaluation is validation from now on."""
        self._fitting = True

    def on_train_end(self, logs: Any = None) -> None:
        """Leaves the line if an epoch was broken off."""
        self._fitting = False
        console.end()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Begins a bar."""
        if self.verbose and self.epochs > 1:
            console.say(f"Epoch {epoch + 1}/{self.epochs}")
        self._begin()

    def on_resume(self, epoch: int, step: int) -> None:
        """Begins a bar that is partly full."""
        self.on_epoch_begin(epoch)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Ends the bar with the epoch's metrics."""
        self._end(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Begins a bar, unless this is validation."""
        if not self._fitting:
            self._begin()
        elif self._bar is not None:
            self._bar.stop_clock()

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

    def _begin(self) -> None:
        self._seen = 0
        every = _REDRAWN_EVERY
        self._bar = Progbar(self.target, interval=every, verbose=self.verbose, stateless_metrics=())

    def _end(self, logs: Any) -> None:
        if self._bar is not None:
            steps = self.target or self._seen
            self._bar.target = steps
            self._bar.update(steps, (logs or {}).items(), finalize=True)
            self._bar = None
