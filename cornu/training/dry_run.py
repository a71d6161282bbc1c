"""DryRun: the parts of `fit` that run when a program is only tried out."""

from __future__ import annotations

import copy
import itertools
import numbers
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from cornu import settings, tree
from cornu.callbacks import CallbackList
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.data import Arrays, Stream
from cornu.terminal.console import console

__all__ = ["DryRun", "FirstBatches", "HeldBatches", "limit_steps"]

_END = object()


class FirstBatches:
    """A source that ends each epoch after some batches, and is otherwise the source itself.

    For a stream, an epoch continues where the last one ended; at its end the stream restarts.

    Args:
        source: the source.
        steps: how many batches.
    """

    resident = False

    def __init__(self, source: Any, steps: int) -> None:
        self._source = source
        self._pass: Iterator[Any] | None = None
        self.steps = steps if source.steps is None else min(steps, source.steps)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal."""
        return {**self._source.describe(), "steps": self.steps}

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, from number `start` on."""
        if isinstance(self._source, Arrays):
            yield from itertools.islice(self._source.batches(epoch, start), self.steps - start)
            return
        count, begun = start, False
        while count < self.steps:
            if self._pass is None:
                self._pass, begun = iter(self._source.batches(epoch)), True
            batch = next(self._pass, _END)
            if batch is not _END:
                count += 1
                yield batch
                continue
            self._pass = None
            if begun:  # there are no more than these
                return


class HeldBatches:
    """The first batches of a source, kept in memory, for all epochs.

    Args:
        source: where the first batches come from; steps: how many.
    """

    resident = False
    resumes = "batch"

    def __init__(self, source: Any, steps: int) -> None:
        self._batches = list(itertools.islice(source.batches(0), steps))
        self.steps = len(self._batches)

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches, from number `start` on."""
        yield from self._batches[start:]

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal."""
        return {"kind": "overfit_batches", "steps": self.steps}

    def state(self) -> None:
        """Returns nothing: the number says which batch is the next."""

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Needs nothing to go on."""

    def close(self) -> None:
        """Needs nothing to end."""


class DryRun:
    """The arguments of `fit` that leave out a part of it.

    Args:
        overfit_batches, fast_dev_run: as in `fit`.

    Raises:
        ValueError: one of them is out of range, or both are given.
    """

    def __init__(self, overfit_batches: Any = 0, fast_dev_run: Any = False) -> None:
        whole = isinstance(overfit_batches, numbers.Integral) and int(overfit_batches) >= 0
        part = isinstance(overfit_batches, float) and 0 < overfit_batches <= 1
        if isinstance(overfit_batches, bool) or not (whole or part or overfit_batches == 0):
            raise ValueError(
                "overfit_batches must be a number of batches, or a fraction of them in (0, 1]. "
                f"Received: {overfit_batches!r}"
            )
        if not isinstance(fast_dev_run, numbers.Integral) or int(fast_dev_run) < 0:
            raise ValueError(
                f"fast_dev_run must be a bool or a number of steps. Received: {fast_dev_run!r}"
            )
        if overfit_batches and fast_dev_run:
            raise ValueError("fit: give either overfit_batches or fast_dev_run.")
        self.overfit_batches = overfit_batches
        self.steps = int(fast_dev_run)
        self._held: HeldBatches | None = None
        self._left_out: list[str] = []
        self._ran: dict[str, int] = {}

    @property
    def overfits(self) -> bool:
        """Whether there are only a few batches, for training and validation."""
        return bool(self.overfit_batches)

    def epochs(self, epochs: int, initial_epoch: int) -> tuple[int, int]:
        """Returns the number of the last epoch and of the first."""
        if self.steps:
            return min(epochs, initial_epoch + 1), initial_epoch
        most = settings.get("max_epochs")
        if most is not None and most < epochs:
            _warn_of_limit("epochs", most)
            return most, min(initial_epoch, most)
        return epochs, initial_epoch

    def callbacks(self, callbacks: Any) -> Any:
        """Returns the callbacks without those that write files."""
        if not self.steps or callbacks is None:
            return callbacks
        several = isinstance(callbacks, CallbackList)
        listed = callbacks.callbacks if several else tree.leaves(callbacks)
        # The CallbackList reports what is not a callback.
        kept = [c for c in listed if not getattr(c, "writes_files", False)]
        self._left_out = [type(c).__name__ for c in listed if c not in kept]
        if not several:
            return kept
        fewer = copy.copy(callbacks)
        fewer.callbacks = kept
        return fewer

    def training(self, source: Arrays | Stream) -> Any:
        """Returns the source of training."""
        if self.overfits:
            self._held = HeldBatches(source, self._count(source))
            return self._held
        return self._first("training", source)

    def validation(self, make: Callable[[], Arrays | Stream]) -> Any:
        """Returns the source of validation; `make` makes it of the data for it."""
        return self._held if self._held is not None else self._first("validation", make())

    def _count(self, source: Arrays | Stream) -> int:
        if not isinstance(self.overfit_batches, float):
            return int(self.overfit_batches)
        if source.steps is None:
            raise ValueError(
                f"overfit_batches={self.overfit_batches} is a fraction of the batches, and the "
                "number of batches is not known. Give a number, such as overfit_batches=4."
            )
        return max(1, int(source.steps * self.overfit_batches))

    def _first(self, phase: str, source: Arrays | Stream) -> Any:
        if not self.steps:
            return limit_steps(source)
        found = FirstBatches(source, self.steps)
        self._ran[phase] = found.steps
        return found

    def report(self, verbose: Any) -> None:
        """Prints which parts ran."""
        if not self.steps or verbose == 0:
            return
        parts = [f"{n} {phase} step{'s' * (n > 1)}" for phase, n in self._ran.items()]
        text = f"fast_dev_run: {' and '.join(parts)} ran"
        text += "." if "validation" in self._ran else "; there is no validation data."
        if self._left_out:
            text += f" Left out, since they write files: {', '.join(self._left_out)}."
        console.print(text)


def limit_steps(source: Any) -> Any:
    """Returns a source with at most `cornu.config.max_steps_per_epoch` batches.

    Warns:
        UserWarning: it has more.
    """
    most = settings.get("max_steps_per_epoch")
    if most is None or (source.steps is not None and source.steps <= most):
        return source
    _warn_of_limit("steps of an epoch", most)
    return FirstBatches(source, most)


def _warn_of_limit(what: str, most: int) -> None:
    name = "max_epochs" if what == "epochs" else "max_steps_per_epoch"
    warnings.warn(
        f"The {what} are limited to {most}: cornu.config.set_{name}({most}) was called.",
        stacklevel=user_stacklevel(),
    )
