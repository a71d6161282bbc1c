"""Line charts with several lines per panel, as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cornu.graphics.chart import TEXT, Points, Scale, format_value, line_path, style_sheet
from cornu.graphics.svg import SVGImage, document, element, escape, format_number, text_width
from cornu.names import printable

__all__ = ["Panel", "line_chart"]

_WIDTH, _HEIGHT = 300.0, 200.0  # of a panel, without labels
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 24.0, 36.0, 44.0
_LEGEND = 34.0


@dataclass(frozen=True)
class Panel:
    """A panel of a chart.

    Attributes:
        title: what the vertical axis shows, with its unit.
        lines: the points of each line, by the name of the line.
        x_label: what the horizontal axis shows.
        x_log, y_log: whether an axis is logarithmic.
        limit: a value that is marked by a horizontal line, or None.
        limit_label: what the value is.
    """

    title: str
    lines: Mapping[str, Points]
    x_label: str
    x_log: bool = False
    y_log: bool = False
    limit: float | None = None
    limit_label: str = ""


def line_chart(panels: Sequence[Panel], title: str) -> SVGImage:
    """Returns a chart with its panels side by side, whose lines have a common legend.

    Args:
        panels: the panels, with at most four different lines in total.
        title: the title for screen readers.

    Example:

    >>> panel = Panel("loss", {"a": [(1, 2.0), (2, 1.0)], "b": [(1, 3.0)]}, "epoch")
    >>> line_chart([panel], "Losses").what
    'Losses'
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.lines))
    kinds = [f"line{i}" for i in range(len(names))]
    body = [element("rect", class_="ch-back", width="100%", height="100%", rx=8.0)]
    body += _draw_legend(dict(zip(kinds, names, strict=True)))
    kind_of = dict(zip(names, kinds, strict=True))
    step = _LEFT + _WIDTH + _RIGHT
    for i, panel in enumerate(panels):
        move = f"translate({format_number(i * step + _LEFT)} {format_number(_LEGEND + _TOP)})"
        body.append(element("g", *_draw_panel(panel, kind_of), transform=move))
    size = (len(panels) * step, _LEGEND + _TOP + _HEIGHT + _BOTTOM)
    style = style_sheet(kinds) + ".ch-limit{stroke:#8a8f99}"
    return SVGImage(document(size, body, style, title=title), title)


def _draw_legend(names: Mapping[str, str]) -> list[str]:
    found, x = [], _LEFT
    for kind, name in names.items():
        line = element("path", d=f"M{format_number(x)} 22h18", class_=f"ch-line ch-{kind}")
        found += [line, element("text", escape(name), x=x + 24, y=26.0, class_="ch-text")]
        x += 24 + text_width(name, TEXT) + 22
    return found


def _draw_panel(panel: Panel, kind_of: Mapping[str, str]) -> list[str]:
    points = [point for line in panel.lines.values() for point in line]
    values = [y for _, y in points if math.isfinite(y)]
    if panel.limit is not None:
        values.append(panel.limit)
    x_scale = Scale([x for x, _ in points], _WIDTH, panel.x_log)
    y_scale = Scale(values, -_HEIGHT, panel.y_log)
    parts = [element("text", escape(printable(panel.title)), x=0.0, y=-14.0, class_="ch-title")]
    for tick in y_scale.ticks:
        y = _HEIGHT + y_scale(tick)
        rule = f"M0 {format_number(y)}h{format_number(_WIDTH)}"
        parts.append(element("path", d=rule, class_="ch-rule"))
        parts.append(element("text", format_value(tick), x=-8.0, y=y + 4, class_="ch-text ch-end"))
    # The values of the points, which may be powers of 2; labels that would overlap are left out.
    limit = math.inf
    for tick in sorted({x for x, _ in points}, reverse=True):
        x, label = x_scale(tick), format_value(tick)
        if x + text_width(label, TEXT) / 2 < limit:
            limit = x - text_width(label, TEXT) / 2 - 6
            parts.append(element("text", label, x=x, y=_HEIGHT + 18, class_="ch-text ch-mid"))
    parts.append(
        element("text", escape(panel.x_label), x=_WIDTH, y=_HEIGHT + 36, class_="ch-text ch-end")
    )
    if panel.limit is not None:
        parts += _draw_limit(panel.limit_label, _HEIGHT + y_scale(panel.limit))
    for name, line in panel.lines.items():
        kind = kind_of[name]
        path, _ = line_path(line, x_scale, y_scale, _HEIGHT)
        parts.append(element("path", d=path, class_=f"ch-line ch-{kind}"))
        parts += [
            element("circle", cx=x_scale(x), cy=_HEIGHT + y_scale(y), r=2.4, class_=f"ch-{kind}-f")
            for x, y in line
            if math.isfinite(y)
        ]
    return parts


def _draw_limit(label: str, y: float) -> list[str]:
    line = f"M0 {format_number(y)}h{format_number(_WIDTH)}"
    return [
        element("path", d=line, class_="ch-line ch-limit", stroke_dasharray="4 4"),
        element("text", escape(label), x=_WIDTH, y=y - 5, class_="ch-text ch-end"),
    ]
