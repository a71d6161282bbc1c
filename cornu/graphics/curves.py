"""Curves: metrics over epochs as an SVG picture, or as a matplotlib figure."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from cornu.errors import missing_package, suggest
from cornu.graphics.chart import TEXT, Points, Scale, palette, short, way
from cornu.graphics.svg import SVGImage, document, element, escape, format_number, text_width

__all__ = ["curves"]

_BACKENDS = ("auto", "svg", "matplotlib")
_WIDE, _HIGH = 320.0, 190.0  # of a panel's plot, without its words
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 62.0, 34.0, 40.0  # room for words around it
_LEGEND = 30.0


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


def _picture(panels: dict[str, dict[str, Points]], log: bool) -> SVGImage:
    across = min(len(panels), 3 if len(panels) != 4 else 2)
    wide, high = _LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BOTTOM
    body = [element("rect", class_="ch-back", width="100%", height="100%", rx=8.0)]
    body += _legend([kind for kind in _KINDS if any(kind in lines for lines in panels.values())])
    for i, (name, lines) in enumerate(panels.items()):
        x, y = (i % across) * wide, _LEGEND + (i // across) * high
        move = f"translate({format_number(x + _LEFT)} {format_number(y + _TOP)})"
        body.append(element("g", *_panel(name, lines, log), transform=move))
    size = (across * wide, _LEGEND + math.ceil(len(panels) / across) * high)
    what = "Curves of " + ", ".join(panels)
    return SVGImage(document(size, body, palette(_KINDS), title=what), what)


_KINDS = ("training", "validation")


def _legend(kinds: Sequence[str]) -> list[str]:
    found, x = [], _LEFT
    for kind in kinds:
        line = element("path", d=f"M{format_number(x)} 20h18", class_=f"ch-line ch-{kind}")
        found += [line, element("text", kind, x=x + 24, y=24.0, class_="ch-text")]
        x += 24 + text_width(kind, TEXT) + 20
    return found


def _panel(name: str, lines: dict[str, Points], log: bool) -> list[str]:
    points = [p for line in lines.values() for p in line]
    values = [y for _, y in points if math.isfinite(y)]
    across = Scale([x for x, _ in points], _WIDE, False, whole=True)
    along = Scale(values, -_HIGH, log)
    parts = [element("text", escape(name), x=0.0, y=-12.0, class_="ch-title")]
    for tick in along.ticks:
        y = _HIGH + along(tick)
        parts.append(
            element("path", d=f"M0 {format_number(y)}h{format_number(_WIDE)}", class_="ch-rule")
        )
        parts.append(element("text", short(tick), x=-8.0, y=y + 4, class_="ch-text ch-end"))
    for tick in across.ticks:
        parts.append(
            element("text", short(tick), x=across(tick), y=_HIGH + 18, class_="ch-text ch-mid")
        )
    parts.append(element("text", "epoch", x=_WIDE, y=_HIGH + 33, class_="ch-text ch-end"))
    ends: list[list[Any]] = []
    for kind, line in lines.items():
        drawn, last = way(line, across, along, _HIGH)
        parts.append(element("path", d=drawn, class_=f"ch-line ch-{kind}"))
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
            element("text", short(value, 4), x=_WIDE + 8, y=y + 4, class_=f"ch-value ch-{kind}-f")
        )
    return parts


# --------------------------------------------------------------------------------- matplotlib


def _figure(panels: dict[str, dict[str, Points]], log: bool) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_package("matplotlib", "matplotlib", "plot(backend='matplotlib')") from error
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
