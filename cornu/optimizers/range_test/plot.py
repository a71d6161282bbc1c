"""Plots the result of a learning rate range test, as SVG or as a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from cornu.graphics.chart import Points, Scale, format_value, line_path, log_ticks, style_sheet
from cornu.graphics.figure import make_figure
from cornu.graphics.svg import SVGImage, document, element, format_number, text_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cornu.optimizers.range_test.result import RangeTest

__all__ = ["draw_figure", "draw_svg"]

_METHODS: tuple[Literal["valley", "steepest", "minimum"], ...] = ("valley", "steepest", "minimum")
_WIDTH, _HEIGHT = 440.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 24.0, 52.0, 48.0


def _loss_limits(test: RangeTest) -> tuple[float, float]:
    """Returns the range of losses to plot, without the divergence at the end of the test."""
    if test.valley is None:
        low, high = np.quantile(test.losses, (0.0, 0.9)).tolist()
        return low, high
    lowest = int(np.argmin(test.trend))
    shown = [*test.losses[: lowest + 1], *test.trend[: lowest + 1]]
    low, high, end = min(shown), max(shown), max(test.trend)
    return low, max(high, min(end, high + 0.5 * (high - low)))


def draw_svg(test: RangeTest, log: bool) -> SVGImage:
    """Draws an SVG picture; `log` makes the axis of losses logarithmic."""
    x_scale = Scale(test.rates, _WIDTH, True)
    limits = [v for v in _loss_limits(test) if v > 0 or not log] or [1.0]
    y_scale = Scale(limits, -_HEIGHT, log)
    parts = [element("text", "loss by learning rate", x=0.0, y=-30.0, class_="ch-title")]
    parts += _draw_legend()
    for tick in y_scale.ticks:
        y = _HEIGHT + y_scale(tick)
        parts.append(
            element("path", d=f"M0 {format_number(y)}h{format_number(_WIDTH)}", class_="ch-rule")
        )
        parts.append(element("text", format_value(tick), x=-8.0, y=y + 4, class_="ch-text ch-end"))
    for tick in log_ticks(x_scale.low, x_scale.high):
        x = x_scale(tick)
        parts.append(
            element("path", d=f"M{format_number(x)} 0v{format_number(_HEIGHT)}", class_="ch-rule")
        )
        parts.append(
            element("text", _format_rate(tick), x=x, y=_HEIGHT + 18, class_="ch-text ch-mid")
        )
    parts.append(
        element("text", "learning rate", x=_WIDTH, y=_HEIGHT + 36, class_="ch-text ch-end")
    )
    if test.valley is not None:
        ends = (*(x_scale(rate) for rate in test.valley), _HEIGHT)
        left, right, bottom = (format_number(value) for value in ends)
        band = f"M{left} 0H{right}V{bottom}H{left}z"
        parts.append(element("path", d=band, class_="ch-valley ch-mark-f"))
    window = f"M0 -4h{format_number(_WIDTH)}v{format_number(_HEIGHT + 8)}h-{format_number(_WIDTH)}z"
    lines = [
        element(
            "path", d=_draw_curve(test, values, x_scale, y_scale, log), class_=f"ch-line ch-{kind}"
        )
        for kind, values in (("raw", test.losses), ("trend", test.trend))
    ]
    clip = element("clipPath", element("path", d=window), id="ch-window")
    parts += [clip, element("g", *lines, clip_path="url(#ch-window)")]
    parts += _draw_suggestions(test, x_scale, y_scale)
    body = [element("rect", class_="ch-back", width="100%", height="100%", rx=8.0)]
    body.append(
        element("g", *parts, transform=f"translate({format_number(_LEFT)} {format_number(_TOP)})")
    )
    size = (_LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM)
    what = "Loss by learning rate"
    style = style_sheet(("trend", "mark")) + (
        ".ch-raw{stroke:#8b97ab;stroke-width:1;opacity:.6}"
        ".ch-other{stroke:#8b97ab}.ch-other-f{fill:#8b97ab}"
        ".ch-valley{opacity:.09}.ch-at{stroke-width:1.5;stroke-dasharray:4 3;fill:none}"
    )
    return SVGImage(document(size, body, style, title=what), what)


def _draw_legend() -> list[str]:
    found, x = [], 0.0
    for kind, label in (("raw", "each batch"), ("trend", "trend")):
        line = element("path", d=f"M{format_number(x)} -14h18", class_=f"ch-line ch-{kind}")
        found += [line, element("text", label, x=x + 24, y=-10.0, class_="ch-text")]
        x += 24 + text_width(label, 11.0) + 20
    return found


def _draw_curve(
    test: RangeTest, values: Sequence[float], x_scale: Scale, y_scale: Scale, log: bool
) -> str:
    line: Points = [
        (rate, value if value > 0 or not log else math.nan)
        for rate, value in zip(test.rates, values, strict=True)
    ]
    return line_path(line, x_scale, y_scale, _HEIGHT)[0]


def _draw_suggestions(test: RangeTest, x_scale: Scale, y_scale: Scale) -> list[str]:
    found = []
    for row, (method, rate) in enumerate(_suggestions(test).items()):
        x = x_scale(rate)
        value = test.trend[min(range(len(test.rates)), key=lambda i: abs(test.rates[i] - rate))]
        y = min(max(_HEIGHT + y_scale(value), 0.0), _HEIGHT)
        side = -1 if x > _WIDTH * 0.7 else 1
        kind = "mark" if row == 0 else "other"
        line = f"M{format_number(x)} 0v{format_number(_HEIGHT)}"
        # One below the other: the rates are often close to each other.
        label = element(
            "text",
            f"{method} {rate:.2g}",
            x=x + side * 8,
            y=12.0 + 16 * row,
            class_=f"ch-value ch-{kind}-f" + (" ch-end" if side < 0 else ""),
        )
        found += [
            element("path", d=line, class_=f"ch-at ch-{kind}"),
            element("circle", cx=x, cy=y, r=4.0, class_=f"ch-{kind}-f"),
            label,
        ]
    if not found:
        text = "no suggestion: the loss did not decrease clearly"
        found = [element("text", text, x=_WIDTH, y=-10.0, class_="ch-text ch-end")]
    return found


def _suggestions(test: RangeTest) -> dict[str, float]:
    """Returns the suggestions by method, the default first; empty if there are none."""
    found = {method: test.suggest(method) for method in _METHODS}
    return {method: rate for method, rate in found.items() if rate is not None}


def _format_rate(value: float) -> str:
    """Formats a learning rate for the axis.

    Example:

    >>> _format_rate(1e-5), _format_rate(0.001), _format_rate(10.0)
    ('1e-5', '1e-3', '10')
    """
    text = f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e+")
    return text if value < 0.01 else f"{value:g}"


# --------------------------------------------------------------------------------- matplotlib


def draw_figure(test: RangeTest, log: bool) -> Figure:
    """Draws a matplotlib figure; `log` makes the axis of losses logarithmic."""
    figure = make_figure((5.6, 3.6))
    axes = figure.add_subplot()
    axes.plot(test.rates, test.losses, color="0.7", linewidth=1, label="each batch")
    axes.plot(test.rates, test.trend, label="trend")
    if test.valley is not None:
        axes.axvspan(*test.valley, color="C1", alpha=0.1)
    for method, rate in _suggestions(test).items():
        color = "C1" if rate == test.suggestion else "0.5"
        axes.axvline(rate, color=color, linestyle="--", label=f"{method} {rate:.2g}")
    axes.set_xscale("log")
    if log:
        axes.set_yscale("log")
    else:
        low, high = _loss_limits(test)
        axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
