"""Progbar: a line that shows how far something is, how fast it goes, and some numbers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from cornu.terminal.console import console

__all__ = ["Progbar"]

_BOLD, _GREEN, _GRAY, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[90m", "\x1b[0m"


class Progbar:
    """Shows progress: a bar on a terminal, else one line at the end.

    Args:
        target: the number of steps; `None` if it is not known.
        width: of the bar, in characters.
        verbose: 0 for nothing, 1 for a bar, 2 for one line at the end.
        interval: the least time between two drawings, in seconds.
        stateful_metrics: names of values that are shown as they are; others are averaged over
            the steps.
        stateless_metrics: names of values that are averaged; others are shown as they are.
        unit_name: what a step is called.

    Raises:
        ValueError: both lists of metrics are given.

    Example:

    >>> bar = Progbar(target=3, verbose=2)
    >>> bar.update(1, [("loss", 4.0)])
    >>> bar.update(3, [("loss", 1.0)])  # doctest: +ELLIPSIS
    3/3 - 0s - .../step - loss: 2.0000

    Differences: Keras shows the last value instead of the mean when the last step is done.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Progbar: give stateful_metrics or stateless_metrics, not both.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._shown_as_is = set(stateful_metrics or ())
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._averages = self._averaged is None or bool(self._averaged)
        self._sums: dict[str, tuple[Any, int]] = {}
        self._seen = 0
        self._began = time.monotonic()
        self._first: tuple[int, float] | None = None  # the first step seen, and when
        self._last = 0.0
        self._stopped: float | None = None
        self._compiles = False  # the first step, which so says nothing about the others
        self.title = ""  # what the one line begins with, where no bar is drawn

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Shows that `n` more steps are done."""
        self.update(self._seen + n, values)

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Shows that `current` steps are done.

        Args:
            current: the number of steps done so far.
            values: pairs of a name and the value of the last steps.
            finalize: whether this is the end; by default, whether the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        now = time.monotonic()
        due = self.due and console.interactive
        # Numbers on the device are fetched when they are looked at: not for nothing.
        if values is not None and (finalize or due or self._averages):
            for name, value in values:
                self._note(name, value, max(1, current - self._seen))
        self._seen = current
        if self._first is None and current:
            self._first = (current, now)
        if finalize:
            if self.verbose:
                self._finish(current, now)
        elif due:
            self._draw(current, now, self._remaining(current, now))
            self._last = now

    @property
    def due(self) -> bool:
        """Whether there is a bar that has not been drawn for the interval."""
        return self.verbose == 1 and time.monotonic() - self._last >= self.interval

    def begin(self, compiles: bool = False) -> None:
        """Starts the clock; the bar is not drawn before the interval.

        Args:
            compiles: whether the first step compiles, which may take long: then an empty bar is
                drawn, and times are shown as soon as other steps have followed.
        """
        self._began = self._last = time.monotonic()
        self._compiles = compiles
        if compiles and self.verbose == 1 and console.interactive:
            self._draw(0, self._began, "")

    def stop_clock(self, current: int, doing: str) -> None:
        """Leaves what happens from now on out of the time that is shown.

        Args:
            current: the number of steps done.
            doing: a word for what happens; it is shown if the bar was drawn.
        """
        self._stopped = now = time.monotonic()
        if console.drawing:
            self._seen = current
            self._draw(current, now, clock(now - self._began), doing)

    def _note(self, name: str, value: Any, steps: int) -> None:
        averaged = (
            name not in self._shown_as_is if self._averaged is None else name in self._averaged
        )
        if averaged:
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value * steps, count + steps)
        else:
            self._sums[name] = (value, 1)

    def _finish(self, current: int, now: float) -> None:
        now = self._stopped or now
        seconds = clock(now - self._began)
        if self.verbose == 1 and console.interactive:
            self._draw(current, now, seconds, last=True)
        else:
            tail = "".join(self._tail(now))
            console.say(f"{self.title}{self._count(current)} - {seconds} -{tail}")

    def _draw(
        self, current: int, now: float, seconds: str, doing: str = "", last: bool = False
    ) -> None:
        bold, plain = (_BOLD, _PLAIN) if console.colored else ("", "")
        count = self._count(current)
        bar, bar_width = self._bar(current)
        parts = self._tail(now) if current else []
        if doing:
            parts.insert(1, f" - {doing}")
        if self._compiles and current == 1 and not last:
            seconds, parts = "", parts[1:]
        width = len(count) + 1 + bar_width + len(seconds)
        room = console.width - width
        tail, below = _folded(parts, room, len(count)) if last else (_cut(parts, room), None)
        text = f"{bold}{count}{plain} {bar}{bold}{seconds}{plain}{tail}"
        console.draw(text, width + len(tail), below)

    def _count(self, current: int) -> str:
        if self.target is None:
            return f"{current}/?"
        return f"{current:{len(str(self.target))}}/{self.target}"

    def _bar(self, current: int) -> tuple[str, int]:
        if not self.target:
            return "", 0
        full = min(self.width, self.width * current // self.target)
        rest = self.width - full
        if not console.can_show("━"):
            return f"[{'=' * full}{'.' * rest}] ", self.width + 3
        if not console.colored:
            return f"{'━' * full}{'╌' * rest} ", self.width + 1
        return f"{_GREEN}{'━' * full}{_GRAY}{'━' * rest}{_PLAIN} ", self.width + 1

    def _tail(self, now: float) -> list[str]:
        values = (
            f" - {name}: {number(total / count)}" for name, (total, count) in self._sums.items()
        )
        return [f" {pace(self._per_step(now))}/{self.unit_name}", *values]

    def _per_step(self, now: float) -> float:
        # The first steps include compilation, so that they are left out as soon as others follow.
        if self._first is not None and self._seen > self._first[0]:
            return (now - self._first[1]) / (self._seen - self._first[0])
        return (now - self._began) / max(1, self._seen)

    def _remaining(self, current: int, now: float) -> str:
        if self.target is None:
            return clock(now - self._began)
        return clock(self._per_step(now) * max(0, self.target - current))


def _cut(parts: list[str], room: int) -> str:
    """Joins as many parts as fit; of a number, half would be another number."""
    if len("".join(parts)) <= room:
        return "".join(parts)
    end = " …" if console.can_show("…") else " ~"
    kept = ""
    for part in parts:
        if len(kept + part + end) > room:
            break
        kept += part
    return (kept + end)[: max(0, room)]


def _folded(parts: list[str], room: int, indent: int) -> tuple[str, str]:
    """Joins parts to a line that has some room left, and as many lines below it as they need."""
    lines = [""]
    width = room
    for part in parts:
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append(" " * indent)
            width = console.width
        lines[-1] += part
    return lines[0], "".join(f"{line}\n" for line in lines[1:])


def clock(seconds: float) -> str:
    """Returns a time as `7s`, `2:05` or `1:00:00`."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def pace(seconds: float) -> str:
    """Returns the time of a step as `3s`, `80ms` or `15us`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds * 1e6:.0f}us"


def number(value: Any) -> str:
    """Returns a metric with four digits; the mean stands for an array."""
    value = float(np.mean(value))
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
