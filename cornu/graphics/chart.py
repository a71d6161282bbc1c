"""Components of line charts: scales with round ticks, lines and colors."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cornu.graphics.svg import format_number

__all__ = [
    "TEXT",
    "Points",
    "Scale",
    "format_value",
    "line_path",
    "linear_ticks",
    "log_ticks",
    "style_sheet",
]

TEXT = 11.0
_MAX_POINTS = 640  # per line; more cannot be distinguished at the width of a panel

# The background, text, labels and rules, then up to four lines.
_LIGHT = ("#ffffff", "#1c2330", "#5c6678", "#e3e8f0", "#2f6fe0", "#d9660a", "#2a8a57", "#a03fb5")
_DARK = ("#14181f", "#e8ecf3", "#a3adbd", "#2a3240", "#7aa7ff", "#ffa04d", "#5fcf95", "#d98bea")

Points = list[tuple[float, float]]


def style_sheet(kinds: Sequence[str]) -> str:
    """Returns the CSS of a chart for light and dark color schemes.

    Args:
        kinds: the kinds of lines, at most four.
    """
    if len(kinds) > len(_LIGHT) - 4:
        raise ValueError(f"A chart has at most {len(_LIGHT) - 4} kinds of lines, not {len(kinds)}.")

    def make_rules(colors: Sequence[str]) -> str:
        back, ink, faint, rule, *lines = colors
        return (
            f".ch-back{{fill:{back}}}.ch-title{{fill:{ink}}}.ch-text{{fill:{faint}}}"
            f".ch-rule{{stroke:{rule}}}"
            + "".join(f".ch-{k}{{stroke:{c}}}" for k, c in zip(kinds, lines, strict=False))
            + "".join(f".ch-{k}-f{{fill:{c}}}" for k, c in zip(kinds, lines, strict=False))
        )

    return (
        ".ch-title{font-size:13px;font-weight:bold}"
        f".ch-text,.ch-value{{font-size:{format_number(TEXT)}px}}.ch-value{{font-weight:bold}}"
        ".ch-line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
        ".ch-end{text-anchor:end}.ch-mid{text-anchor:middle}"
        + make_rules(_LIGHT)
        + f"@media(prefers-color-scheme:dark){{{make_rules(_DARK)}}}"
    )


def line_path(
    line: Points, x_scale: Scale, y_scale: Scale, height: float
) -> tuple[str, tuple[float, float, float] | None]:
    """Returns the SVG path of a line and its last point, with its value.

    Non-finite values interrupt the line.
    """
    steps, pen, last = [], False, None
    for epoch, value in _thin_out(line):
        if not math.isfinite(value):
            pen = False
            continue
        x, y = x_scale(epoch), height + y_scale(value)
        steps.append(f"{'L' if pen else 'M'}{format_number(x)} {format_number(y)}")
        pen, last = True, (x, y, value)
    return "".join(steps) or "M0 0", last


def _thin_out(line: Points) -> Points:
    """Removes points that cannot be distinguished, but keeps extremes and both ends."""
    size = math.ceil(len(line) / _MAX_POINTS)
    if size == 1:
        return line
    kept = []
    for start in range(0, len(line), 2 * size):
        part = line[start : start + 2 * size]
        finite = [p for p in part if math.isfinite(p[1])]
        if len(finite) == len(part):
            # Two points for every 2 * size: spikes stay visible, which a mean would smooth away.
            ends = (min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1]))
            kept += sorted(set(ends))
        else:
            kept += part
    return kept if kept[-1] == line[-1] else [*kept, line[-1]]


class Scale:
    """Maps values to coordinates, and chooses the ticks of an axis.

    Args:
        values: the values to cover.
        size: the length of the axis; negative if it points upward.
        log: whether the axis is logarithmic.
        whole: whether ticks are integers.
    """

    def __init__(
        self, values: Sequence[float], size: float, log: bool, whole: bool = False
    ) -> None:
        self.size = size
        self.log = log
        low, high = (min(values), max(values)) if values else (0.1, 1.0)
        if log:
            low, high = math.log10(low), math.log10(high)
        # A range of (almost) equal values gets a margin, since its ticks would divide by zero.
        if high - low < 1e-12 * max(1.0, abs(high)):
            margin = 0.5 if log or whole else abs(high) / 10 or 0.5
            low, high = low - margin, high + margin
        elif not whole:
            margin = 0.06 * (high - low)
            low, high = low - margin, high + margin
        self.low, self.high = low, high
        self.ticks = log_ticks(low, high) if log else linear_ticks(low, high, whole)

    def __call__(self, value: float) -> float:
        if self.log:
            value = math.log10(value)
        return self.size * (value - self.low) / (self.high - self.low)


def linear_ticks(low: float, high: float, whole: bool) -> list[float]:
    """Returns about five round numbers within a range.

    Example:

    >>> linear_ticks(0.0, 1.1, False), linear_ticks(1, 10, True)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [2.0, 4.0, 6.0, 8.0, 10.0])
    """
    step = 10.0 ** math.floor(math.log10((high - low) / 5))
    step *= next(f for f in (1, 2, 5, 10) if (high - low) / (step * f) <= 6)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def log_ticks(low: float, high: float) -> list[float]:
    """Returns round numbers within a range of base-10 logarithms."""
    exponents = range(math.floor(low), math.ceil(high) + 1)
    # Powers of 10 if there are at least three of them, else finer steps.
    for factors in ((1,), (1, 2, 5), tuple(range(1, 10))):
        ticks = [f * 10.0**e for e in exponents for f in factors]
        ticks = [t for t in ticks if low - 1e-9 <= math.log10(t) <= high + 1e-9]
        if len(ticks) > 2:
            return ticks[:: math.ceil(len(ticks) / 7)]
    return ticks or linear_ticks(10.0**low, 10.0**high, False)


def format_value(value: float, digits: int = 6) -> str:
    """Formats a number with at most `digits` significant digits."""
    return f"{value:.{digits}g}"
