"""Curves: metrics over epochs as an SVG picture, or as a matplotlib figure."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from cornu.errors import need, suggest
from cornu.svg import Picture, document, element, escape, number, width

__all__ = ["curves"]

_BACKENDS = ("auto", "svg", "matplotlib")
_WIDE, _HIGH = 320.0, 190.0  # of a panel's plot, without its words
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 62.0, 34.0, 40.0  # room for words around it
_LEGEND = 30.0
_TEXT = 11.0
_MOST_POINTS = 640  # on a line; more are not seen

_LIGHT = ("#ffffff", "#1c2330", "#5c6678", "#e3e8f0", "#2f6fe0", "#d9660a")
_DARK = ("#14181f", "#e8ecf3", "#a3adbd", "#2a3240", "#7aa7ff", "#ffa04d")

Points = list[tuple[float, float]]


def curves(
    history: dict[str, Sequence[Any]],
    epochs: Sequence[float],
    metrics: Iterable[str] | str | None = None,
    log: bool = False,
    backend: str = "auto",
    at: dict[str, Sequence[float]] | None = None,
) -> Any:
    """Returns a picture with a panel for each metric, in which training and validation meet.

    Args:
        history: values by name; a name that begins with `val_` is of validation.
        epochs: the number of each epoch, from 0. A metric with fewer values has the last ones,
            unless `at` says more.
        metrics: names (without `val_`) of those to draw; all by default.
        log: whether values are drawn on a logarithmic scale; those that are not positive are
            left out.
        backend: "svg", "matplotlib", or "auto": matplotlib if the program has imported its
            `pyplot`, so that the figure fits what it draws otherwise, else SVG.
        at: by name, the epochs of a metric that was not computed in each of them.

    Raises:
        ValueError: an unknown metric or backend, or nothing to draw.
        ImportError: `backend="matplotlib"` without matplotlib.

    Example:

    >>> curves({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]}, [0, 1], backend="svg").what
    'Curves of loss'
    """
    if backend not in _BACKENDS:
        raise ValueError(f"plot: unknown backend {backend!r}. {suggest(backend, _BACKENDS)}")
    panels = {
        name: _lines(history, epochs, name, log, at or {})
        for name in _chosen(history, epochs, metrics)
    }
    if backend == "matplotlib" or (backend == "auto" and "matplotlib.pyplot" in sys.modules):
        return _figure(panels, log)
    return _picture(panels, log)


def _chosen(history: Any, epochs: Sequence[float], metrics: Any) -> list[str]:
    known = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    known = [name for name in known if any(_numbers(history.get(p + name)) for p in ("", "val_"))]
    if not epochs or not known:
        raise ValueError(
            "plot: there is nothing to draw, because no epoch has ended.\n"
            "Call `plot()` on the History that `fit` returned."
        )
    if metrics is None:
        return known
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    wanted = list(dict.fromkeys(name.removeprefix("val_") for name in wanted))
    for name in wanted:
        if name not in known:
            raise ValueError(f"plot: there is no metric {name!r}. {suggest(name, known)}")
    return wanted


def _numbers(values: Any) -> list[float]:
    """Returns values as numbers; nothing if there are none, or some that are more than one."""
    try:
        return [float(value) for value in values or ()]
    except (TypeError, ValueError):
        return []


def _lines(
    history: Any, epochs: Sequence[float], name: str, log: bool, at: Any
) -> dict[str, Points]:
    """Returns the points of training and of validation; NaN stands for what is not drawn."""
    lines = {}
    for kind, key in (("training", name), ("validation", "val_" + name)):
        numbers = _numbers(history.get(key))
        places = at.get(key, ())
        if len(places) != len(numbers):
            places = list(epochs)[-len(numbers) :]
        if numbers:
            lines[kind] = [
                (epoch + 1, value if not log or value > 0 else math.nan)
                for epoch, value in zip(places, numbers, strict=False)
            ]
    return lines


# ---------------------------------------------------------------------------------------- SVG


def _picture(panels: dict[str, dict[str, Points]], log: bool) -> Picture:
    across = min(len(panels), 3 if len(panels) != 4 else 2)
    wide, high = _LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BOTTOM
    body = [element("rect", class_="ch-back", width="100%", height="100%", rx=8.0)]
    body += _legend([kind for kind in _KINDS if any(kind in lines for lines in panels.values())])
    for i, (name, lines) in enumerate(panels.items()):
        x, y = (i % across) * wide, _LEGEND + (i // across) * high
        move = f"translate({number(x + _LEFT)} {number(y + _TOP)})"
        body.append(element("g", *_panel(name, lines, log), transform=move))
    size = (across * wide, _LEGEND + math.ceil(len(panels) / across) * high)
    what = "Curves of " + ", ".join(panels)
    return Picture(document(size, body, _style(), title=what), what)


_KINDS = ("training", "validation")


def _style() -> str:
    def paper(colours: Sequence[str]) -> str:
        back, ink, faint, rule, one, two = colours
        return (
            f".ch-back{{fill:{back}}}.ch-title{{fill:{ink}}}.ch-text{{fill:{faint}}}"
            f".ch-rule{{stroke:{rule}}}.ch-training{{stroke:{one}}}.ch-validation{{stroke:{two}}}"
            f".ch-training-f{{fill:{one}}}.ch-validation-f{{fill:{two}}}"
        )

    return (
        ".ch-title{font-size:13px;font-weight:bold}"
        f".ch-text,.ch-value{{font-size:{number(_TEXT)}px}}.ch-value{{font-weight:bold}}"
        ".ch-line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
        ".ch-end{text-anchor:end}.ch-mid{text-anchor:middle}"
        + paper(_LIGHT)
        + f"@media(prefers-color-scheme:dark){{{paper(_DARK)}}}"
    )


def _legend(kinds: Sequence[str]) -> list[str]:
    found, x = [], _LEFT
    for kind in kinds:
        line = element("path", d=f"M{number(x)} 20h18", class_=f"ch-line ch-{kind}")
        found += [line, element("text", kind, x=x + 24, y=24.0, class_="ch-text")]
        x += 24 + width(kind, _TEXT) + 20
    return found


def _panel(name: str, lines: dict[str, Points], log: bool) -> list[str]:
    points = [p for line in lines.values() for p in line]
    values = [y for _, y in points if math.isfinite(y)]
    across = _Scale([x for x, _ in points], _WIDE, False, whole=True)
    along = _Scale(values, -_HIGH, log)
    parts = [element("text", escape(name), x=0.0, y=-12.0, class_="ch-title")]
    for tick in along.ticks:
        y = _HIGH + along(tick)
        parts.append(element("path", d=f"M0 {number(y)}h{number(_WIDE)}", class_="ch-rule"))
        parts.append(element("text", _short(tick), x=-8.0, y=y + 4, class_="ch-text ch-end"))
    for tick in across.ticks:
        parts.append(
            element("text", _short(tick), x=across(tick), y=_HIGH + 18, class_="ch-text ch-mid")
        )
    parts.append(element("text", "epoch", x=_WIDE, y=_HIGH + 33, class_="ch-text ch-end"))
    ends = []
    for kind, line in lines.items():
        way, last = _way(line, across, along)
        parts.append(element("path", d=way, class_=f"ch-line ch-{kind}"))
        if last is not None:
            x, y, value = last
            parts.append(element("circle", cx=x, cy=y, r=2.6, class_=f"ch-{kind}-f"))
            ends.append([y, kind, value])
    if not values:
        words = "no finite value" + (" above 0" if log else "")
        parts.append(element("text", words, x=_WIDE / 2, y=_HIGH / 2, class_="ch-text ch-mid"))
    ends.sort()
    if len(ends) == 2 and ends[1][0] - ends[0][0] < 13:
        middle = (ends[0][0] + ends[1][0]) / 2
        ends[0][0], ends[1][0] = middle - 6.5, middle + 6.5
    for y, kind, value in ends:
        parts.append(
            element("text", _short(value, 4), x=_WIDE + 8, y=y + 4, class_=f"ch-value ch-{kind}-f")
        )
    return parts


def _way(line: Points, across: Any, along: Any) -> tuple[str, tuple[float, float, float] | None]:
    """Returns the path of a line, with gaps where nothing is finite, and its last point."""
    steps, pen, last = [], False, None
    for epoch, value in _thinned(line):
        if not math.isfinite(value):
            pen = False
            continue
        x, y = across(epoch), _HIGH + along(value)
        steps.append(f"{'L' if pen else 'M'}{number(x)} {number(y)}")
        pen, last = True, (x, y, value)
    return "".join(steps) or "M0 0", last


def _thinned(line: Points) -> Points:
    """Leaves out points that would lie within a line's width, but no extremes and no ends."""
    size = math.ceil(len(line) / _MOST_POINTS)
    if size == 1:
        return line
    kept = []
    for start in range(0, len(line), 2 * size):
        part = line[start : start + 2 * size]
        finite = [p for p in part if math.isfinite(p[1])]
        if len(finite) == len(part):
            ends = (min(part, key=lambda p: p[1]), max(part, key=lambda p: p[1]))
            kept += sorted(set(ends))
        else:
            kept += part
    return kept if kept[-1] == line[-1] else [*kept, line[-1]]


class _Scale:
    """From values to places, and the round values that stand on the axis."""

    def __init__(
        self, values: Sequence[float], size: float, log: bool, whole: bool = False
    ) -> None:
        self.size = size
        self.log = log
        low, high = (min(values), max(values)) if values else (0.1, 1.0)
        if log:
            low, high = math.log10(low), math.log10(high)
        if high - low < 1e-12 * max(1.0, abs(high)):
            room = 0.5 if log or whole else abs(high) / 10 or 0.5
            low, high = low - room, high + room
        elif not whole:
            room = 0.06 * (high - low)
            low, high = low - room, high + room
        self.low, self.high = low, high
        self.ticks = _powers(low, high) if log else _rounds(low, high, whole)

    def __call__(self, value: float) -> float:
        if self.log:
            value = math.log10(value)
        return self.size * (value - self.low) / (self.high - self.low)


def _rounds(low: float, high: float, whole: bool) -> list[float]:
    """Returns about five round numbers in a range.

    Example:

    >>> _rounds(0.0, 1.1, False), _rounds(1, 10, True)
    ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [2.0, 4.0, 6.0, 8.0, 10.0])
    """
    step = 10.0 ** math.floor(math.log10((high - low) / 5))
    step *= next(f for f in (1, 2, 5, 10) if (high - low) / (step * f) <= 6)
    if whole:
        step = max(1.0, step)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, last + 1)]


def _powers(low: float, high: float) -> list[float]:
    """Returns round numbers in a range of logarithms."""
    exponents = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1,), (1, 2, 5), tuple(range(1, 10))):
        ticks = [f * 10.0**e for e in exponents for f in factors]
        ticks = [t for t in ticks if low - 1e-9 <= math.log10(t) <= high + 1e-9]
        if len(ticks) > 2:
            return ticks[:: math.ceil(len(ticks) / 7)]
    return ticks or _rounds(10.0**low, 10.0**high, False)


def _short(value: float, digits: int = 6) -> str:
    return f"{value:.{digits}g}"


# --------------------------------------------------------------------------------- matplotlib


def _figure(panels: dict[str, dict[str, Points]], log: bool) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise need("matplotlib", "matplotlib", "plot(backend='matplotlib')") from error
    across = min(len(panels), 3 if len(panels) != 4 else 2)
    down = math.ceil(len(panels) / across)
    size = (4.4 * across, 3.1 * down)
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        figure = Figure(figsize=size, layout="constrained")
    else:  # so that `pyplot.show()` shows it
        figure = pyplot.figure(figsize=size, layout="constrained")
        if "inline" in pyplot.get_backend():
            pyplot.close(figure)  # a notebook shows what is returned; it would come twice
    for i, (name, lines) in enumerate(panels.items()):
        axes = figure.add_subplot(down, across, i + 1)
        for kind, line in lines.items():
            marker = "o" if len(line) == 1 else None
            axes.plot([x for x, _ in line], [y for _, y in line], label=kind, marker=marker)
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if log:
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
