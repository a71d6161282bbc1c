"""Timer: measures the duration of training, and limits it."""

from __future__ import annotations

import datetime
import math
import time
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.process import job
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["Timer"]


class Timer(Callback):
    """Measures the duration of epochs and steps, and ends training at a time limit.

    Time counts from the beginning of `fit`; a resumed run continues the count. With a limit,
    training ends early enough for the validation of the epoch to complete, assuming that it takes
    as long as the longest one so far. The limit is checked at least twice a second. With
    `fit(resume=...)`, the same program continues at this step when it is run with a larger limit.

    Args:
        limit: a number of seconds, a `datetime.timedelta`, a string `"HH:MM:SS"`, or None.

    Attributes:
        total: the seconds used so far.
        left: the seconds until the limit, or None without a limit.
        epoch_seconds: the duration of each epoch, including validation.
        step_seconds: the mean duration of a training step in each epoch.

    Raises:
        ValueError: `limit` is not a positive duration.

    Example:

    >>> Timer("01:30:00").limit
    5400.0

    Differences: not in Keras. The step duration of the first epoch includes compilation.
    """

    look_every = 0.0

    def __init__(self, limit: float | str | datetime.timedelta | None = None) -> None:
        self.limit = None if limit is None else _parse_limit(limit)
        self._reset()

    def _reset(self) -> None:
        self.epoch_seconds: list[float] = []
        self.step_seconds: list[float] = []
        self._before = 0.0  # seconds used by earlier processes of this run
        self._began: float | None = None
        self._epoch = 0
        self._epoch_before = 0.0  # the same for the current epoch, without validation
        self._steps = 0
        self._epoch_began = 0.0
        self._tested: float | None = None
        self._validation = 0.0  # the longest time from the last step to the end of its epoch

    @property
    def total(self) -> float:
        """The seconds used so far."""
        now = 0.0 if self._began is None else time.monotonic() - self._began
        return self._before + now

    @property
    def left(self) -> float | None:
        """The seconds until the limit, or None without a limit."""
        return None if self.limit is None else self.limit - self.total

    def on_train_begin(self, logs: Logs = None) -> None:
        """Starts the clock."""
        self._reset()
        self._began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Starts the clock of the epoch."""
        self._epoch, self._steps, self._epoch_before = epoch, 0, 0.0
        self._tested = None
        self._epoch_began = time.monotonic()

    def on_resume(self, epoch: int, step: int) -> None:
        """Continues the clock of an interrupted epoch."""
        before = self._epoch_before
        self.on_epoch_begin(epoch)
        self._epoch_before, self._steps = before, step

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Ends training if the time limit is reached."""
        self._steps = step
        # The clock of process 0 decides for all processes of a job.
        left = None if self.limit is None else job.from_first(self.limit - self.total)
        if left is None or left > job.from_first(self._validation) or self.model.stop_training:
            return
        limit = datetime.timedelta(seconds=round(self.limit or 0))
        console.print(
            f"Timer: the limit of {limit} is reached at step {step} of epoch {self._epoch + 1}. "
            "Training ends here."
        )
        self.model._pause_training_()

    def on_test_begin(self, logs: Logs = None) -> None:
        """Records when the last step of the epoch ended."""
        self._tested = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Records the duration of the epoch."""
        now = time.monotonic()
        tested = now if self._tested is None else self._tested
        self._validation = max(self._validation, now - tested)
        self.epoch_seconds.append(self._epoch_before + now - self._epoch_began)
        stepping = self._epoch_before + tested - self._epoch_began
        self.step_seconds.append(stepping / self._steps if self._steps else math.nan)

    def on_train_end(self, logs: Logs = None) -> None:
        """Stops the clock."""
        self._before, self._began = self.total, None

    def on_train_exception(self, error: BaseException) -> None:
        """Stops the clock."""
        self.on_train_end()

    def get_state(self) -> dict[str, Any]:
        """Returns the time used so far, and the durations of epochs and steps."""
        in_epoch = time.monotonic() - self._epoch_began if self._began is not None else 0.0
        return {
            "used": self.total,
            "in_epoch": self._epoch_before + in_epoch,
            "epoch_seconds": list(self.epoch_seconds),
            "step_seconds": list(self.step_seconds),
            "validation": self._validation,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned. The time between the two calls does not count."""
        self._before = state["used"]
        self._began = None if self._began is None else time.monotonic()
        self._epoch_before = state["in_epoch"]
        self.epoch_seconds = list(state["epoch_seconds"])
        self.step_seconds = list(state["step_seconds"])
        self._validation = state["validation"]


def _parse_limit(limit: float | str | datetime.timedelta) -> float:
    if isinstance(limit, datetime.timedelta):
        seconds = limit.total_seconds()
    elif isinstance(limit, str):
        parts = limit.split(":")
        if len(parts) != 3 or not all(part.isdecimal() for part in parts):
            raise ValueError(f"Timer: limit as a string must be 'HH:MM:SS'. Received: {limit!r}")
        hours, minutes, rest = map(int, parts)
        seconds = 3600.0 * hours + 60.0 * minutes + rest
    else:
        seconds = float(limit)
    if not 0 < seconds < math.inf:
        raise ValueError(f"Timer: limit must be a positive duration. Received: {limit!r}")
    return seconds
