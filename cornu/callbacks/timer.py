"""Timer: how long training takes, and an end to it in time."""

from __future__ import annotations

import datetime
import math
import time
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.terminal.console import console

__all__ = ["Timer"]


class Timer(Callback):
    """Measures epochs and steps, and ends training when its time is used up.

    The time counts from the beginning of `fit`, and goes on counting in a run that is resumed.
    With a limit, training ends so early that the validation of the epoch, if it takes as long as
    those before, ends in time as well; it is looked at whenever steps come back from the device,
    at least twice a second. With `fit(resume=...)`, the same program goes on from this very step
    once it is given more time.

    Args:
        limit: seconds, a `datetime.timedelta`, or a text `"HH:MM:SS"`; None for no limit.

    Attributes:
        total: the seconds used so far.
        left: the seconds until the limit; None without one.
        epoch_seconds: how long each epoch took, with validation.
        step_seconds: how long a training step took, as a mean over each epoch.

    Raises:
        ValueError: `limit` is no time above 0.

    Example:

    >>> Timer("01:30:00").limit
    5400.0

    Differences: Keras has none. A step of the first epoch includes its share of compilation.
    """

    look_every = 0.0

    def __init__(self, limit: float | str | datetime.timedelta | None = None) -> None:
        self.limit = None if limit is None else _seconds(limit)
        self._begin()

    def _begin(self) -> None:
        self.epoch_seconds: list[float] = []
        self.step_seconds: list[float] = []
        self._before = 0.0  # what was used in processes before this one
        self._began: float | None = None
        self._epoch = 0
        self._epoch_before = 0.0  # the same of the epoch that runs, in steps alone
        self._steps = 0
        self._epoch_began = 0.0
        self._tested: float | None = None
        self._validation = 0.0  # the longest time from the last step to the end of an epoch

    @property
    def total(self) -> float:
        """The seconds used so far."""
        now = 0.0 if self._began is None else time.monotonic() - self._began
        return self._before + now

    @property
    def left(self) -> float | None:
        """The seconds until the limit; None without one."""
        return None if self.limit is None else self.limit - self.total

    def on_train_begin(self, logs: Any = None) -> None:
        """Starts the clock."""
        self._begin()
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Starts the clock of the epoch."""
        self._epoch, self._steps, self._epoch_before = epoch, 0, 0.0
        self._tested = None
        self._epoch_began = time.monotonic()

    def on_resume(self, epoch: int, step: int) -> None:
        """Goes on with the clock of an epoch that was broken off."""
        before = self._epoch_before
        self.on_epoch_begin(epoch)
        self._epoch_before, self._steps = before, step

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Ends training if the time is used up."""
        self._steps = step
        left = self.left
        if left is None or left > self._validation or self.model.stop_training:
            return
        limit = datetime.timedelta(seconds=round(self.limit or 0))
        console.say(
            f"Timer: the limit of {limit} is reached at step {step} of epoch {self._epoch + 1}. "
            "Training ends here."
        )
        self.model.pause_training()

    def on_test_begin(self, logs: Any = None) -> None:
        """Notes when the steps of the epoch ended."""
        self._tested = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Notes how long the epoch took."""
        now = time.monotonic()
        tested = now if self._tested is None else self._tested
        self._validation = max(self._validation, now - tested)
        self.epoch_seconds.append(self._epoch_before + now - self._epoch_began)
        stepping = self._epoch_before + tested - self._epoch_began
        self.step_seconds.append(stepping / self._steps if self._steps else math.nan)

    def on_train_end(self, logs: Any = None) -> None:
        """Stops the clock."""
        self._before, self._began = self.total, None

    def on_train_exception(self, error: BaseException) -> None:
        """Stops the clock."""
        self.on_train_end()

    def get_state(self) -> dict[str, Any]:
        """Returns the time used so far, and how long epochs and steps took."""
        in_epoch = time.monotonic() - self._epoch_began if self._began is not None else 0.0
        return {
            "used": self.total,
            "in_epoch": self._epoch_before + in_epoch,
            "epoch_seconds": list(self.epoch_seconds),
            "step_seconds": list(self.step_seconds),
            "validation": self._validation,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned: the time in between does not count."""
        self._before = state["used"]
        self._began = None if self._began is None else time.monotonic()
        self._epoch_before = state["in_epoch"]
        self.epoch_seconds = list(state["epoch_seconds"])
        self.step_seconds = list(state["step_seconds"])
        self._validation = state["validation"]


def _seconds(limit: Any) -> float:
    if isinstance(limit, datetime.timedelta):
        seconds = limit.total_seconds()
    elif isinstance(limit, str):
        parts = limit.split(":")
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):
            raise ValueError(f"Timer: a limit as text is 'HH:MM:SS'. Received: {limit!r}")
        hours, minutes, rest = map(int, parts)
        seconds = 3600.0 * hours + 60.0 * minutes + rest
    else:
        seconds = float(limit)
    if not 0 < seconds < math.inf:
        raise ValueError(f"Timer: limit is a time above 0. Received: {limit!r}")
    return seconds
