"""Resume: where and how often the state of training is kept, and who does it meanwhile."""

from __future__ import annotations

import datetime
import os
import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.saving.states import State, States

__all__ = ["Clerk", "Resume"]

# While the time between two savings is not given, they take no more than this part of it.
_SHARE = 0.02


@dataclass(frozen=True)
class Resume:
    """Keeps the state of training in a folder, so that the same program goes on after a crash.

    Given to `fit(..., resume=Resume(folder))`; a folder's name alone stands for `Resume(folder)`.
    The state is all that decides on what comes next: weights, optimizer, metrics, callbacks,
    history, the position in the data and in all random numbers. If the program is killed at any
    instant and started again, `fit` goes on from the last state, and ends with the bits that it
    would have ended with. States are written beside training, whole or not at all.

    Args:
        folder: one for each call of `fit`.
        every: how often: after so many steps; after a `datetime.timedelta`; `"epoch"`; by default
            after 30 seconds, or less often if writing takes long.
        keep: how many of the last states are kept.

    Raises:
        ValueError: `every` or `keep` is none of these.

    Example:

    >>> Resume("runs/first", every=100).keep
    3
    """

    folder: str | os.PathLike[str]
    every: int | datetime.timedelta | str | None = None
    keep: int = 3

    def __post_init__(self) -> None:
        if not isinstance(self.folder, (str, os.PathLike)):
            raise TypeError(f"resume: a folder is given by its name. Received: {self.folder!r}")
        number = isinstance(self.every, int) and not isinstance(self.every, bool)
        timed = isinstance(self.every, datetime.timedelta)
        if not (self.every in (None, "epoch") or timed or number and int(self.every) > 0):  # type: ignore[arg-type]
            raise ValueError(
                "Resume: every is a number of steps from 1 on, a datetime.timedelta, 'epoch' or "
                f"None. Received: {self.every!r}"
            )
        if not isinstance(self.keep, int) or self.keep < 1:
            raise ValueError(f"Resume: keep is a number from 1 on. Received: {self.keep!r}")

    @property
    def steps(self) -> int | None:
        """The number of steps between two states, if that is given."""
        return self.every if isinstance(self.every, int) else None

    @property
    def seconds(self) -> float | None:
        """The seconds between two states, if these decide."""
        if isinstance(self.every, datetime.timedelta):
            return self.every.total_seconds()
        return 30.0 if self.every is None else None


class Clerk:
    """Decides when a state is due, and writes states in a thread of its own.

    Args:
        resume: where and how often.
        number: of the last state that is there.
    """

    def __init__(self, resume: Resume, number: int) -> None:
        self.resume = resume
        self.states = States(resume.folder, resume.keep)
        self.number = number
        self.failed = False
        self._thread = ThreadPoolExecutor(1, "cornu-state")
        self._running: Future[float] | None = None
        self._next = time.monotonic() + (resume.seconds or 0.0)

    def limit(self, steps: int) -> int:
        """Returns how many steps may be run before a state is due, after `steps`."""
        every = self.resume.steps
        return every - steps % every if every else 1 << 30

    def due(self, steps: int, epoch_ended: bool) -> bool:
        """Whether a state is to be written now, after `steps`."""
        if self.resume.steps:
            return steps % self.resume.steps == 0
        if self.resume.seconds is None:
            return epoch_ended
        waiting = self._running is not None and not self._running.done()
        return time.monotonic() >= self._next and not waiting

    def write(self, make: Callable[[], tuple[dict[str, Any], Any]], finished: bool = False) -> None:
        """Writes a state; waits only for the one before.

        Args:
            make: returns arrays and data; called in the thread.
            finished: whether nothing is left to do after the state that was written last.
        """
        self.wait()
        self.number += not finished
        number = self.number

        def work() -> float:
            began = time.monotonic()
            arrays, data = make()
            self.states.write(State(number, arrays, data, finished))
            return time.monotonic() - began

        self._running = self._thread.submit(work)
        self._next = time.monotonic() + (self.resume.seconds or 0.0)

    def wait(self) -> None:
        """Waits until the last state is written; if it cannot be, says so, and training goes on."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            took = running.result()
        except OSError as error:
            if not self.failed:
                warnings.warn(
                    f"The state of training could not be written to {str(self.states.folder)!r}: "
                    f"{error}. Training goes on; the last good state there stays.",
                    stacklevel=user_stacklevel(),
                )
            self.failed = True
            return
        self.failed = False
        if self.resume.every is None:
            self._next = max(self._next, time.monotonic() + took / _SHARE)

    def close(self) -> None:
        """Waits, and ends the thread."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    @property
    def folder(self) -> Path:
        """Where the states are."""
        return self.states.folder
