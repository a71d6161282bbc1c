"""Resume: where and how often the state of training is saved."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass

__all__ = ["Resume"]


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
