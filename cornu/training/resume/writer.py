"""CheckpointWriter: writes the states of training in a background thread."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.process import job
from cornu.saving.resume import Resume
from cornu.saving.training_state import StateFolder, TrainingState

__all__ = ["CheckpointWriter"]

# Unless the user sets an interval, writing takes at most this fraction of the time.
_MAX_WRITE_FRACTION = 0.02


class CheckpointWriter:
    """Decides when a state is to be saved, and writes states in a background thread.

    Args:
        resume: the folder and the interval.
        number: the number of the last saved state.
    """

    def __init__(self, resume: Resume, number: int) -> None:
        self.resume = resume
        self.states = StateFolder(resume.folder, resume.keep)
        self.number = number
        self.failed = False
        self._thread = ThreadPoolExecutor(1, "cornu-state")
        self._running: Future[float] | None = None
        self._next_time = time.monotonic() + (resume.seconds or 0.0)

    def limit(self, steps: int) -> int:
        """Returns the number of steps that may run after `steps` before a state is due."""
        every = self.resume.steps
        return every - steps % every if every else 1 << 30

    def is_due(self, steps: int, epoch_ended: bool, met: bool) -> bool:
        """Whether a state is due after `steps` steps.

        Args:
            steps: the number of steps so far.
            epoch_ended: whether an epoch has ended.
            met: whether all processes of the job call this after the same steps, so that they can
                decide together.
        """
        if self.resume.steps:
            return steps % self.resume.steps == 0
        if self.resume.seconds is None:
            return epoch_ended
        if not met:
            return False
        waiting = self._running is not None and not self._running.done()
        return bool(job.from_first(time.monotonic() >= self._next_time and not waiting))

    def write(
        self, collect: Callable[[], tuple[dict[str, Any], Any]], finished: bool = False
    ) -> None:
        """Writes a state in the background, after waiting for the preceding write.

        Args:
            collect: returns arrays and data; called in the background thread.
            finished: whether this is the final state, which belongs to the last saved state.
        """
        self.wait()
        # The final state has the number of the last one, beside which it is stored.
        self.number += not finished
        # Read here: the number may have changed when the thread runs.
        number = self.number

        def write_state() -> float:
            began = time.monotonic()
            arrays, data = collect()
            self.states.write(TrainingState(number, arrays, data, finished))
            return time.monotonic() - began

        self._running = self._thread.submit(write_state)
        self._next_time = time.monotonic() + (self.resume.seconds or 0.0)

    def wait(self) -> None:
        """Waits until the last state is written; a failure to write it is reported as a warning."""
        running, self._running = self._running, None
        if running is None:
            return
        try:
            seconds = running.result()
        except Exception as error:  # training must not end because of its state
            if not self.failed:
                warnings.warn(
                    f"The state of training could not be written to {str(self.states.folder)!r}: "
                    f"{error}. Training continues; the last complete state is kept.",
                    stacklevel=user_stacklevel(),
                )
            self.failed = True
            return
        self.failed = False
        if self.resume.every is None:
            self._next_time = max(self._next_time, time.monotonic() + seconds / _MAX_WRITE_FRACTION)

    def clear(self) -> None:
        """Removes all states."""
        if job.is_first():
            self.states.clear()

    def close(self) -> None:
        """Waits for the last write, and stops the thread."""
        try:
            self.wait()
        finally:
            self._thread.shutdown()

    @property
    def folder(self) -> Path:
        """The folder of the states."""
        return self.states.folder
