"""Agreement: the processes of a job decide the same between two steps.

What a process decides by itself may differ: by its clock, by a signal that only it received, or in
a callback of the user. If one of them left an epoch alone, the others would wait for it in the next
step. They therefore exchange their decisions about twice a second, after the same steps.
"""

from __future__ import annotations

import time
from typing import Protocol

from cornu.process import job

__all__ = ["Agreement", "Flags"]

_SECONDS = 0.5  # between two exchanges, which take a few milliseconds


class Flags(Protocol):
    """The decisions of a training."""

    stop_training: bool

    @property
    def decisions(self) -> list[bool]:
        """The flags that callbacks and signals set."""

    def decide(self, decisions: list[bool]) -> None:
        """Sets the flags."""


class Agreement:
    """The common decisions of all processes of a job; with one process, its own.

    Args:
        host: has the decisions of this process, and gets the common ones; None if there are none.

    Attributes:
        now: a clock in seconds, which is the same in all processes when they have met.
    """

    def __init__(self, host: Flags | None = None) -> None:
        self._host = host
        self._alone = job.count() == 1
        self._stops = False
        self._steps = 0  # since the last exchange
        self._until = 1  # the number of steps after which the next exchange is due
        self._began = time.monotonic()
        self._now = 0.0

    @property
    def stops(self) -> bool:
        """Whether training stops."""
        if self._alone and self._host is not None:
            return self._host.stop_training
        return self._stops

    @property
    def now(self) -> float:
        return time.monotonic() if self._alone else self._now

    def is_due(self, steps: int, always: bool) -> bool:
        """Whether the processes exchange their decisions now.

        Args:
            steps: the number of steps since the last call.
            always: whether they do after every dispatch.
        """
        self._steps += steps
        return self._alone or always or self._steps >= self._until

    def meet(self) -> None:
        """Exchanges the decisions; all processes must call it after the same steps."""
        if self._alone:
            return
        now = time.monotonic()
        per_step = (now - self._began) / max(1, self._steps)
        own = [] if self._host is None else self._host.decisions
        rows = job.exchange([per_step, now - _STARTED, *own])
        if self._host is not None:
            decisions = [bool(column.any()) for column in rows[:, 2:].T]
            self._host.decide(decisions)
            self._stops = decisions[0]
        self._now = float(rows[0, 1])
        # The first steps include compilation.
        slowest = float(rows[:, 0].max())
        self._until = max(1, min(int(_SECONDS / max(slowest, 1e-6)), 2 * self._until))
        self._steps, self._began = 0, now


_STARTED = time.monotonic()
