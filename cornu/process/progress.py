"""Progress of the computations of this process, which the watchdog of a job observes.

A step counts twice, when it begins and when it ends, so that a process that waits for another one
within a step is ahead of it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from types import TracebackType

__all__ = ["Progress", "progress"]


class Progress:
    """How far a process is.

    Attributes:
        count: increases with every step that begins or ends, and every `note`.
        unlimited: the number of active blocks that may take any time, as compilation does.
        finished: whether the program has ended.
        meetings: how often a function has been called that all processes must call together.
        meeting: whether this process waits for the others in such a function.

    Example:

    >>> found = Progress()
    >>> with found.step(is_known=False):
    ...     found.count, found.unlimited
    (1, 1)
    >>> found.count, found.unlimited
    (2, 0)
    """

    def __init__(self) -> None:
        self.count = 0
        self.unlimited = 0
        self.finished = False
        self.meetings = 0
        self.meeting = False

    def note(self) -> None:
        """Counts progress of something that is not a step."""
        self.count += 1

    def step(self, is_known: bool) -> _Step:
        """Returns the context manager of a step.

        Args:
            is_known: whether the step has run before, so that it is not compiled.
        """
        self.count += 1
        return _Step(self, not is_known)

    @contextlib.contextmanager
    def waiting_for_all(self) -> Iterator[None]:
        """Counts a function that all processes must call, while it waits for the others."""
        self.meetings += 1
        self.meeting = True
        try:
            with self.step(is_known=True):
                yield
        finally:
            self.meeting = False

    def without_limit(self) -> _Step:
        """Returns the context manager of a block that may take any time."""
        return self.step(is_known=False)


class _Step:
    """A step or another block, which counts when it ends."""

    __slots__ = ("_progress", "_unlimited")

    def __init__(self, progress: Progress, unlimited: bool) -> None:
        self._progress = progress
        self._unlimited = unlimited

    def __enter__(self) -> None:
        self._progress.unlimited += self._unlimited

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.unlimited -= self._unlimited
        self._progress.count += 1


# That of this process.
progress = Progress()
