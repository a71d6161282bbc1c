"""Plots metrics over epochs, as SVG or as a matplotlib figure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

from cornu.errors import suggest
from cornu.graphics.chart import TEXT, Points, Scale, format_value, line_path, style_sheet
from cornu.graphics.figure import PlotBackend, make_figure, make_plot
from cornu.graphics.svg import SVGImage, document, element, escape, format_number, text_width
from cornu.names import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["plot_curves"]

_WIDTH, _HEIGHT = 320.0, 190.0  # of a plot, without labels
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 62.0, 34.0, 40.0  # margins for labels
_LEGEND = 30.0


def plot_curves(
    history: Mapping[str, Sequence[Any]],
    epochs: Sequence[float],
    metrics: Iterable[str] | str | None = None,
    log: bool = False,
    backend: PlotBackend = "auto",
    epochs_of: Mapping[str, Sequence[float]] | None = None,
    to_file: str | PathLike[str] | None = None,
) -> SVGImage | Figure:
    """Plots each metric in its own panel, with a line for training and one for validation.

    Args:
        history: the values of each metric; names of validation metrics begin with `val_`.
        epochs: the epochs, counted from 0. If a metric has fewer values and is not in
            `epochs_of`, the values belong to the last epochs.
        metrics: the names of the metrics to plot, without `val_`; by default all.
        log: whether the value axis is logarithmic; values that are not positive are omitted.
        backend: "svg", "matplotlib", or "auto": matplotlib if the program has imported
            `matplotlib.pyplot`, otherwise SVG.
        epochs_of: the epochs of metrics that were not computed in each epoch, by name.
        to_file: the file to write, in the format of its suffix; None writes no file.

    Returns:
        An SVG image or a matplotlib figure.

    Raises:
        ValueError: a metric or the backend is unknown, or there is nothing to plot.
        ImportError: `backend="matplotlib"` and matplotlib is not installed.

    Example:

    >>> plot_curves({"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]}, [0, 1], backend="svg").what
    'Curves of loss'
    """
    panels = {
        name: _collect_lines(history, epochs, name, log, epochs_of or {})
        for name in _choose_metrics(history, epochs, metrics)
    }
    return make_plot(
        lambda: _draw_svg(panels, log), lambda: _draw_figure(panels, log), backend, to_file
    )


def _choose_metrics(
    history: Mapping[str, Sequence[Any]],
    epochs: Sequence[float],
    metrics: Iterable[str] | str | None,
) -> list[str]:
    known = list(dict.fromkeys(name.removeprefix("val_") for name in history))
    known = [
        name for name in known if any(_to_numbers(history.get(p + name)) for p in ("", "val_"))
    ]
    if not epochs or not known:
        raise ValueError(
            "plot: there is nothing to plot, because no epoch has ended.\n"
            "Call `plot()` on the History that `fit` returned."
        )
    if metrics is None:
        return known
    wanted = [metrics] if isinstance(metrics, str) else list(metrics)
    wanted = list(dict.fromkeys(name.removeprefix("val_") for name in wanted))
    for name in wanted:
        if name not in known:
            raise ValueError(f"plot: unknown metric {name!r}. {suggest(name, known)}")
    return wanted


def _to_numbers(values: Sequence[Any] | None) -> list[float]:
    """Returns values as floats, or an empty list if there are no values or not all are scalars."""
    try:
        return [float(value) for value in values or ()]
    except (TypeError, ValueError):
        return []


def _collect_lines(
    history: Mapping[str, Sequence[Any]],
    epochs: Sequence[float],
    name: str,
    log: bool,
    epochs_of: Mapping[str, Sequence[float]],
) -> dict[str, Points]:
    """Returns the points of the training and the validation line; omitted values are NaN."""
    lines = {}
    for kind, key in (("training", name), ("validation", "val_" + name)):
        numbers = _to_numbers(history.get(key))
        positions = epochs_of.get(key, ())
        # Without known epochs, the values are those of the last epochs.
        if len(positions) != len(numbers):
            positions = list(epochs)[-len(numbers) :]
        if numbers:
            lines[kind] = [
                (epoch + 1, value if not log or value > 0 else math.nan)
                for epoch, value in zip(positions, numbers, strict=False)
            ]
    return lines


def _count_columns(panels: Sequence[str] | dict[str, Any]) -> int:
    return min(len(panels), 3 if len(panels) != 4 else 2)


# ---------------------------------------------------------------------------------------- SVG


def _draw_svg(panels: dict[str, dict[str, Points]], log: bool) -> SVGImage:
    columns = _count_columns(panels)
    width_, height = _LEFT + _WIDTH + _RIGHT, _TOP + _HEIGHT + _BOTTOM
    body = [element("rect", class_="ch-back", width="100%", height="100%", rx=8.0)]
    body += _draw_legend(
        [kind for kind in _KINDS if any(kind in lines for lines in panels.values())]
    )
    for i, (name, lines) in enumerate(panels.items()):
        x, y = (i % columns) * width_, _LEGEND + (i // columns) * height
        move = f"translate({format_number(x + _LEFT)} {format_number(y + _TOP)})"
        body.append(element("g", *_draw_panel(name, lines, log), transform=move))
    size = (columns * width_, _LEGEND + math.ceil(len(panels) / columns) * height)
    what = "Curves of " + ", ".join(map(printable, panels))
    return SVGImage(document(size, body, style_sheet(_KINDS), title=what), what)


_KINDS = ("training", "validation")


def _draw_legend(kinds: Sequence[str]) -> list[str]:
    found, x = [], _LEFT
    for kind in kinds:
        line = element("path", d=f"M{format_number(x)} 20h18", class_=f"ch-line ch-{kind}")
        found += [line, element("text", kind, x=x + 24, y=24.0, class_="ch-text")]
        x += 24 + text_width(kind, TEXT) + 20
    return found


def _draw_panel(name: str, lines: dict[str, Points], log: bool) -> list[str]:
    points = [p for line in lines.values() for p in line]
    values = [y for _, y in points if math.isfinite(y)]
    x_scale = Scale([x for x, _ in points], _WIDTH, False, whole=True)
    y_scale = Scale(values, -_HEIGHT, log)
    parts = [element("text", escape(printable(name)), x=0.0, y=-12.0, class_="ch-title")]
    for tick in y_scale.ticks:
        y = _HEIGHT + y_scale(tick)
        parts.append(
            element("path", d=f"M0 {format_number(y)}h{format_number(_WIDTH)}", class_="ch-rule")
        )
        parts.append(element("text", format_value(tick), x=-8.0, y=y + 4, class_="ch-text ch-end"))
    for tick in x_scale.ticks:
        parts.append(
            element(
                "text",
                format_value(tick),
                x=x_scale(tick),
                y=_HEIGHT + 18,
                class_="ch-text ch-mid",
            )
        )
    parts.append(element("text", "epoch", x=_WIDTH, y=_HEIGHT + 33, class_="ch-text ch-end"))
    ends: list[tuple[float, str, float]] = []
    for kind, line in lines.items():
        path, last = line_path(line, x_scale, y_scale, _HEIGHT)
        parts.append(element("path", d=path, class_=f"ch-line ch-{kind}"))
        if last is not None:
            x, y, value = last
            parts.append(element("circle", cx=x, cy=y, r=2.6, class_=f"ch-{kind}-f"))
            ends.append((y, kind, value))
    if not values:
        label = "no finite value" + (" above 0" if log else "")
        parts.append(element("text", label, x=_WIDTH / 2, y=_HEIGHT / 2, class_="ch-text ch-mid"))
    # Move the labels with the last values of the two lines apart if they would overlap.
    ends.sort()
    if len(ends) == 2 and ends[1][0] - ends[0][0] < 13:
        middle = (ends[0][0] + ends[1][0]) / 2
        ends = [(middle - 6.5, *ends[0][1:]), (middle + 6.5, *ends[1][1:])]
    for y, kind, value in ends:
        parts.append(
            element(
                "text",
                format_value(value, 4),
                x=_WIDTH + 8,
                y=y + 4,
                class_=f"ch-value ch-{kind}-f",
            )
        )
    return parts


# --------------------------------------------------------------------------------- matplotlib


def _draw_figure(panels: dict[str, dict[str, Points]], log: bool) -> Figure:
    columns = _count_columns(panels)
    rows = math.ceil(len(panels) / columns)
    figure = make_figure((4.4 * columns, 3.1 * rows))
    for i, (name, lines) in enumerate(panels.items()):
        axes = figure.add_subplot(rows, columns, i + 1)
        for kind, line in lines.items():
            marker = "o" if len(line) == 1 else None
            axes.plot([x for x, _ in line], [y for _, y in line], label=kind, marker=marker)
        axes.set_title(printable(name))
        axes.set_xlabel("epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        if log:
            axes.set_yscale("log")
        axes.grid(alpha=0.3)
        axes.legend()
    return figure
