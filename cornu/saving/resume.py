"""Resume: where and how often the state of training is saved."""

from __future__ import annotations

import datetime
import os
from dataclasses import dataclass
from typing import Literal

from cornu.errors import is_positive_integer

__all__ = ["Resume"]


@dataclass(frozen=True)
class Resume:
    """Saves the state of training, so that the same program can resume after a crash.

    Pass it to `fit(..., resume=Resume(folder))`; `resume="path"` is short for `Resume("path")`.
    The state contains weights, optimizer, metrics, callbacks, history, the position in the data
    and the state of all random generators. If the program is killed at any time and started
    again, `fit` continues from the latest state, and ends with the same bits as an uninterrupted
    run. States are written atomically in a background thread.

    Args:
        folder: a directory, one for each call of `fit`.
        every: how often the state is saved: a number of steps, a `datetime.timedelta`, or
            `"epoch"`; by default every 30 seconds, or less often if saving takes long.
        keep: the number of latest states to keep.
        on_change: what `fit` does if the state was saved with another model, `compile`, data or
            arguments of `fit`: `"error"` raises an error, `"warn"` continues with a warning where
            that is possible, and `"restart"` deletes the states and starts training from the
            beginning. Another learning rate, more epochs and, at the end of an epoch, another
            batch size are always accepted.

    Raises:
        ValueError: `every`, `keep` or `on_change` is invalid.

    Example:

    >>> Resume("runs/first", every=100).keep
    3
    """

    folder: str | os.PathLike[str]
    every: int | datetime.timedelta | str | None = None
    keep: int = 3
    on_change: Literal["error", "warn", "restart"] = "error"

    def __post_init__(self) -> None:
        if not isinstance(self.folder, (str, os.PathLike)):
            raise TypeError(f"resume: expected the path of a directory. Received: {self.folder!r}")
        timed = isinstance(self.every, datetime.timedelta)
        if not (self.every in (None, "epoch") or timed or is_positive_integer(self.every)):
            raise ValueError(
                "Resume: every must be a positive number of steps, a datetime.timedelta, 'epoch' "
                f"or None. Received: {self.every!r}"
            )
        if not is_positive_integer(self.keep):
            raise ValueError(f"Resume: keep must be a positive integer. Received: {self.keep!r}")
        if self.on_change not in ("error", "warn", "restart"):
            raise ValueError(
                "Resume: on_change must be 'error', 'warn' or 'restart'. "
                f"Received: {self.on_change!r}"
            )

    @property
    def steps(self) -> int | None:
        """The number of steps between two states, or None."""
        return int(self.every) if is_positive_integer(self.every) else None

    @property
    def seconds(self) -> float | None:
        """The seconds between two states, or None."""
        if isinstance(self.every, datetime.timedelta):
            return self.every.total_seconds()
        return 30.0 if self.every is None else None
