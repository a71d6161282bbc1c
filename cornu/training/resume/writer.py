"""Writes the states of training in a background thread."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.saving.resume import Resume
from cornu.saving.training_state import StateFolder, TrainingState

__all__ = ["CheckpointWriter"]

# While the time between two savings is not given, they take no more than this part of it.
_SHARE = 0.02


class CheckpointWriter:
    """Decides when a state is due, and writes states in a thread of its own.

    Args:
        resume: where and how often.
        number: of the last state that is there.
    """

    def __init__(self, resume: Resume, number: int) -> None:
        self.resume = resume
        self.states = StateFolder(resume.folder, resume.keep)
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
            self.states.write(TrainingState(number, arrays, data, finished))
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
