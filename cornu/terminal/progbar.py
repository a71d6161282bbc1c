"""Progbar: a line with the progress, speed and metrics of a loop."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from cornu.names import printable
from cornu.terminal.console import console

__all__ = ["Progbar"]

_BOLD, _GREEN, _GRAY, _PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[90m", "\x1b[0m"


class Progbar:
    """Displays progress: a bar in a terminal or notebook, otherwise one line at the end.

    Args:
        target: the number of steps; `None` if it is unknown.
        width: the width of the bar, in characters.
        verbose: 0 for nothing, 1 for a bar, 2 for one line at the end.
        interval: the minimum time between two updates of the display, in seconds.
        stateful_metrics: names of values that are displayed as given; other values are averaged
            over the steps.
        stateless_metrics: names of values that are averaged; other values are displayed as given.
        unit_name: the name of a step.

    Raises:
        ValueError: both `stateful_metrics` and `stateless_metrics` are given.

    Example:

    >>> bar = Progbar(target=3, verbose=2)
    >>> bar.update(1, [("loss", 4.0)])
    >>> bar.update(3, [("loss", 1.0)])  # doctest: +ELLIPSIS
    3/3 - 0s - .../step - loss: 2.0000

    Fixes: at the last step, Keras displays the last value instead of the mean.
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
            raise ValueError("Progbar: pass stateful_metrics or stateless_metrics, not both.")
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._not_averaged = set(stateful_metrics or ())
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._has_averages = self._averaged is None or bool(self._averaged)
        self._sums: dict[str, tuple[Any, int]] = {}
        self._seen = 0
        self._began = time.monotonic()
        self._first: tuple[int, float] | None = None  # the first step reported, and its time
        self._last = 0.0
        self._stopped: float | None = None
        self._compiles = False  # then the first step tells nothing about the others
        self.title = ""  # a prefix of the one line that is written where there is no bar

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Advances by `n` steps.

        Args:
            n: the number of steps since the last call.
            values: pairs of a name and its value over these steps, as in `update`.
        """
        self.update(self._seen + n, values)

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Sets the number of completed steps.

        Args:
            current: the number of steps completed so far.
            values: pairs of a name and its value over the steps since the last update.
            finalize: whether this is the last update; by default, whether the target is reached.
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        now = time.monotonic()
        due = self.due and console.interactive
        # Reading a value waits for the device, so values that are not displayed are not read.
        if values is not None and (finalize or due or self._has_averages):
            for name, value in values:
                self._add_value(name, value, max(1, current - self._seen))
        self._seen = current
        if self._first is None and current:
            self._first = (current, now)
        if finalize:
            if self.verbose:
                self._finish(current, now)
        elif due:
            self._draw(current, now, self._format_remaining(current, now))
            self._last = now

    @property
    def due(self) -> bool:
        """Whether the bar is older than the interval."""
        return self.verbose == 1 and time.monotonic() - self._last >= self.interval

    def begin(self, compiles: bool = False) -> None:
        """Starts the clock; the bar first appears after one interval.

        Args:
            compiles: whether the first step compiles, which may take long. Then an empty bar is
                displayed at once, and times appear after the second step.
        """
        self._began = self._last = time.monotonic()
        self._compiles = compiles
        if compiles and self.verbose == 1 and console.interactive:
            self._draw(0, self._began, "")

    def stop_clock(self, current: int, activity: str) -> None:
        """Excludes what follows from the displayed time.

        Args:
            current: the number of completed steps.
            activity: a word for what follows; it is displayed if there is a bar.
        """
        self._stopped = now = time.monotonic()
        if console.has_open_line:
            self._seen = current
            self._draw(current, now, format_time(now - self._began), activity)

    def _add_value(self, name: str, value: Any, steps: int) -> None:
        averaged = (
            name not in self._not_averaged if self._averaged is None else name in self._averaged
        )
        if averaged:
            total, count = self._sums.get(name, (0.0, 0))
            self._sums[name] = (total + value * steps, count + steps)
        else:
            self._sums[name] = (value, 1)

    def _finish(self, current: int, now: float) -> None:
        now = self._stopped or now
        seconds = format_time(now - self._began)
        if self.verbose == 1 and console.interactive:
            self._draw(current, now, seconds, last=True)
        else:
            tail = "".join(self._format_metrics(now))
            console.print(f"{self.title}{self._format_count(current)} - {seconds} -{tail}")

    def _draw(
        self, current: int, now: float, seconds: str, activity: str = "", last: bool = False
    ) -> None:
        bold, plain = (_BOLD, _PLAIN) if console.colored else ("", "")
        count = self._format_count(current)
        bar, bar_width = self._format_bar(current)
        parts = self._format_metrics(now) if current else []
        if activity:
            parts.insert(1, f" - {activity}")
        if self._compiles and current == 1 and not last:
            seconds, parts = "", parts[1:]
        width = len(count) + 1 + bar_width + len(seconds)
        available = console.width - width
        tail, below = (
            _fold_lines(parts, available, len(count))
            if last
            else (_fit_line(parts, available), None)
        )
        text = f"{bold}{count}{plain} {bar}{bold}{seconds}{plain}{tail}"
        console.update_line(text, width + len(tail), below)

    def _format_count(self, current: int) -> str:
        if self.target is None:
            return f"{current}/?"
        return f"{current:{len(str(self.target))}}/{self.target}"

    def _format_bar(self, current: int) -> tuple[str, int]:
        if not self.target:
            return "", 0
        full = min(self.width, self.width * current // self.target)
        rest = self.width - full
        if not console.can_encode("━"):
            return f"[{'=' * full}{'.' * rest}] ", self.width + 3
        if not console.colored:
            return f"{'━' * full}{'╌' * rest} ", self.width + 1
        return f"{_GREEN}{'━' * full}{_GRAY}{'━' * rest}{_PLAIN} ", self.width + 1

    def _format_metrics(self, now: float) -> list[str]:
        values = (
            f" - {printable(name)}: {format_metric(total / count)}"
            for name, (total, count) in self._sums.items()
        )
        return [f" {format_step_time(self._seconds_per_step(now))}/{self.unit_name}", *values]

    def _seconds_per_step(self, now: float) -> float:
        # The first steps include compilation: they are excluded once others have followed.
        if self._first is not None and self._seen > self._first[0]:
            return (now - self._first[1]) / (self._seen - self._first[0])
        return (now - self._began) / max(1, self._seen)

    def _format_remaining(self, current: int, now: float) -> str:
        if self.target is None:
            return format_time(now - self._began)
        return format_time(self._seconds_per_step(now) * max(0, self.target - current))


def _fit_line(parts: list[str], available: int) -> str:
    """Joins as many whole parts as fit: a truncated number would be a different number."""
    if len("".join(parts)) <= available:
        return "".join(parts)
    end = " …" if console.can_encode("…") else " ~"
    kept = ""
    for part in parts:
        if len(kept + part + end) > available:
            break
        kept += part
    return (kept + end)[: max(0, available)]


def _fold_lines(parts: list[str], available: int, indent: int) -> tuple[str, str]:
    """Returns the end of a line with `available` characters left, and the lines after it."""
    lines = [""]
    width = available
    for part in parts:
        if lines[-1] and len(lines[-1] + part) > width:
            lines.append(" " * indent)
            width = console.width
        lines[-1] += part
    return lines[0], "".join(f"{line}\n" for line in lines[1:])


def format_time(seconds: float) -> str:
    """Formats a duration as `7s`, `2:05` or `1:00:00`."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest}s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def format_step_time(seconds: float) -> str:
    """Formats the duration of a step as `3s`, `80ms` or `15us`."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds * 1e6:.0f}us"


def format_metric(value: Any) -> str:
    """Formats a metric with four decimals; an array is represented by its mean."""
    value = float(np.mean(value))
    return f"{value:.4f}" if abs(value) > 1e-3 or value == 0 else f"{value:.4e}"
