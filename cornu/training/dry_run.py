"""DryRun: implements `overfit_batches` and `fast_dev_run` of `fit`, and global step limits."""

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
from cornu.errors import quantity
from cornu.terminal.console import console

__all__ = ["DryRun", "FirstBatches", "HeldBatches", "limit_steps"]

_END = object()


class FirstBatches:
    """A source that ends each epoch after a number of batches.

    For a stream, an epoch continues where the last one ended; at its end the stream restarts.

    Args:
        source: the source.
        steps: the number of batches.
    """

    resident = False

    def __init__(self, source: Arrays | Stream, steps: int) -> None:
        self._source = source
        self._pass: Iterator[Any] | None = None
        self.steps = steps if source.steps is None else min(steps, source.steps)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches."""
        return {**self._source.describe(), "steps": self.steps}

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, beginning with number `start`."""
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
            if begun:  # the whole stream has fewer batches
                return
        self._source.finish_checks()


class HeldBatches:
    """The first batches of a source, held in memory and repeated in each epoch.

    Args:
        source: the source of the batches.
        steps: the number of batches.
    """

    resident = False
    resumes = "batch"
    rejected: int | None = None

    def __init__(self, source: Arrays | Stream, steps: int) -> None:
        self._batches = list(itertools.islice(source.batches(0), steps))
        source.finish_checks()
        self.steps = len(self._batches)

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches, beginning with number `start`."""
        yield from self._batches[start:]

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches."""
        return {"kind": "overfit_batches", "steps": self.steps}

    def state(self) -> None:
        """Returns None: the number of the step determines the next batch."""

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Does nothing: `batches` is called with the number of the next step."""

    def reseed(self, seed: int) -> None:
        """Does nothing: the batches have been read."""

    def finish_checks(self) -> None:
        """Does nothing: the batches were checked when they were read."""

    def close(self) -> None:
        """Does nothing: there are no open files or threads."""


class DryRun:
    """The arguments of `fit` that restrict it to a part of the data, epochs and callbacks.

    Args:
        overfit_batches, fast_dev_run: as in `fit`.

    Raises:
        ValueError: an argument is out of range, or both are used.
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
            raise ValueError("fit: pass either overfit_batches or fast_dev_run, not both.")
        self.overfit_batches = overfit_batches
        self.steps = int(fast_dev_run)
        self._batches: HeldBatches | None = None
        self._omitted: list[str] = []
        self._steps_by_phase: dict[str, int] = {}

    @property
    def overfits(self) -> bool:
        """Whether training and validation use the same few batches."""
        return bool(self.overfit_batches)

    def epochs(self, epochs: int, initial_epoch: int) -> tuple[int, int]:
        """Returns the numbers of the last and the first epoch."""
        if self.steps:
            return min(epochs, initial_epoch + 1), initial_epoch
        limit = settings.get("max_epochs")
        if limit is not None and limit < epochs:
            _warn_about_limit("epochs", limit)
            return limit, min(initial_epoch, limit)
        return epochs, initial_epoch

    def callbacks(self, callbacks: Any) -> Any:
        """Returns the callbacks without those that write files."""
        if not self.steps or callbacks is None:
            return callbacks
        several = isinstance(callbacks, CallbackList)
        listed = callbacks.callbacks if several else tree.leaves(callbacks)
        # getattr, because an object that is not a callback is reported later, by CallbackList.
        kept = [c for c in listed if getattr(c, "writes_files", False) is not True]
        self._omitted = [type(c).__name__ for c in listed if c not in kept]
        if not several:
            return kept
        reduced = copy.copy(callbacks)
        reduced.callbacks = kept
        return reduced

    def training(self, source: Arrays | Stream) -> Any:
        """Returns the source of training data."""
        if self.overfits:
            self._batches = HeldBatches(source, self._count(source))
            return self._batches
        return self._limit_source("training", source)

    def validation(self, make: Callable[[], Arrays | Stream]) -> Any:
        """Returns the source of validation data; `make` opens the user's validation data."""
        return (
            self._batches if self._batches is not None else self._limit_source("validation", make())
        )

    def _count(self, source: Arrays | Stream) -> int:
        if not isinstance(self.overfit_batches, float):
            return int(self.overfit_batches)
        if source.steps is None:
            raise ValueError(
                f"overfit_batches={self.overfit_batches} is a fraction of the batches, and the "
                "number of batches is unknown. Pass a number of batches: overfit_batches=4."
            )
        return max(1, int(source.steps * self.overfit_batches))

    def _limit_source(self, phase: str, source: Arrays | Stream) -> Any:
        if not self.steps:
            return limit_steps(source)
        found = FirstBatches(source, self.steps)
        self._steps_by_phase[phase] = found.steps
        return found

    def report(self, verbose: Any) -> None:
        """Prints which parts ran."""
        if not self.steps or verbose == 0:
            return
        parts = [quantity(n, f"{phase} step") for phase, n in self._steps_by_phase.items()]
        text = f"fast_dev_run: {' and '.join(parts)} ran"
        text += "." if "validation" in self._steps_by_phase else "; there is no validation data."
        if self._omitted:
            text += f" Omitted, because they write files: {', '.join(self._omitted)}."
        console.print(text)


def limit_steps(source: Arrays | Stream) -> Any:
    """Returns a source with at most `cornu.config.max_steps_per_epoch` batches.

    Warns:
        UserWarning: the source has more batches.
    """
    limit = settings.get("max_steps_per_epoch")
    if limit is None or (source.steps is not None and source.steps <= limit):
        return source
    _warn_about_limit("steps of an epoch", limit)
    return FirstBatches(source, limit)


def _warn_about_limit(what: str, limit: int) -> None:
    name = "max_epochs" if what == "epochs" else "max_steps_per_epoch"
    warnings.warn(
        f"The {what} are limited to {limit}: cornu.config.set_{name}({limit}) was called.",
        stacklevel=user_stacklevel(),
    )
