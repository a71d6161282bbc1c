"""RangeTest: what a learning rate range test found, its suggestion and its picture."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from cornu.errors import missing_package, suggest
from cornu.graphics.chart import Points, Scale, palette, powers, short, way
from cornu.graphics.svg import SVGImage, document, element, format_number, text_width

__all__ = ["RangeTest"]

_BACKENDS = ("auto", "svg", "matplotlib")
_METHODS = ("valley", "steepest", "minimum")
_LEAST = 5  # points from which something can be suggested
_WIDE, _HIGH = 440.0, 230.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 62.0, 24.0, 52.0, 48.0


class RangeTest:
    """The losses of a model at learning rates that rise step by step.

    Args:
        rates: the learning rates.
        losses: the loss of a batch at each of them.
        smoothing: how much of the moving average is kept from one loss to the next.

    Attributes:
        rates, losses: as given.
        smoothed: the moving average of the losses, corrected for its beginning at zero. It lags
            behind; it decides on when the test ends.
        trend: the losses without their noise and without lag: the median of five neighbours,
            then a weighted mean of neighbours. It decides on suggestions.
        valley: the rates between which the trend does its falling, from a tenth to nine tenths of
            the way between its level at first and its lowest point; None if it never fell.
        suggestion: `suggest()`, a learning rate to train with.

    Example:

    >>> rates = [10.0 ** (k / 10 - 6) for k in range(61)]
    >>> test = RangeTest(rates, [2.0 - 1.0 / (1.0 + 0.01 / rate) for rate in rates])
    >>> [f"{rate:.0e}" for rate in (*test.valley, test.suggestion, test.suggest("valley"))]
    ['1e-03', '1e-01', '1e-02', '1e-02']
    """

    def __init__(
        self, rates: Sequence[float], losses: Sequence[float], smoothing: float = 0.98
    ) -> None:
        self.rates = [float(rate) for rate in rates]
        self.losses = [float(loss) for loss in losses]
        self.smoothed = smoothed(self.losses, smoothing)
        self.trend = trend(self.losses)
        self._fall = _fall(self.losses, self.trend)

    def suggest(self, method: str = "steepest") -> float | None:
        """Returns a learning rate to train with, or None if the loss never fell clearly.

        Args:
            method: one of

                * `"steepest"`: where the trend falls fastest, over the logarithm of the rate. It
                  is a large rate that training bears: one for short training, or for the peak of
                  a schedule.
                * `"valley"`: the middle of the valley, on the logarithmic axis: a careful rate.
                * `"minimum"`: a tenth of the rate at which the trend is lowest.

        Raises:
            ValueError: an unknown method.

        References: Leslie N. Smith (2017), "Cyclical learning rates for training neural
            networks", section 3.3.
        """
        if method not in _METHODS:
            raise ValueError(f"suggest: unknown method {method!r}. {suggest(method, _METHODS)}")
        if self._fall is None:
            return None
        first, last, lowest = self._fall
        if method == "minimum":
            return self.rates[lowest] / 10
        if method == "valley":
            return math.sqrt(self.rates[first] * self.rates[last])
        slopes = np.gradient(self.trend, np.log(self.rates))
        return self.rates[first + int(np.argmin(slopes[first : last + 1]))]

    @property
    def suggestion(self) -> float | None:
        """A learning rate to train with; None if the loss never fell clearly."""
        return self.suggest()

    @property
    def valley(self) -> tuple[float, float] | None:
        """The rates between which the trend falls."""
        return (
            None if self._fall is None else (self.rates[self._fall[0]], self.rates[self._fall[1]])
        )

    def plot(self, backend: str = "auto", log: bool = False) -> Any:
        """Returns the picture: the loss over the learning rate, with the suggestion marked.

        A notebook shows it; `save("rates.svg")` writes it.

        Args:
            backend: "svg", "matplotlib" for a figure, or "auto": a figure if the program has
                imported `matplotlib.pyplot`, else SVG.
            log: whether the loss, too, is drawn on a logarithmic scale.

        Raises:
            ValueError: an unknown backend, or fewer than two losses.
            ImportError: `backend="matplotlib"` without matplotlib.
        """
        if backend not in _BACKENDS:
            raise ValueError(f"plot: unknown backend {backend!r}. {suggest(backend, _BACKENDS)}")
        if len(self.rates) < 2:
            raise ValueError("plot: there is nothing to draw, because the test ended at once.")
        if backend == "matplotlib" or (backend == "auto" and "matplotlib.pyplot" in sys.modules):
            return _figure(self, log)
        return _picture(self, log)

    def _repr_html_(self) -> str:
        return str(_picture(self, False)) if len(self.rates) > 1 else repr(self)

    def __repr__(self) -> str:
        found = self.suggestion
        what = "no suggestion" if found is None else f"suggestion {found:.3g}"
        ends = f" from {self.rates[0]:.3g} to {self.rates[-1]:.3g}" if self.rates else ""
        return f"<RangeTest: {len(self.rates)} rates{ends}, {what}>"


def smoothed(losses: Sequence[float], smoothing: float) -> list[float]:
    """Returns a moving average, corrected for its beginning at zero.

    Example:

    >>> smoothed([2.0, 4.0, 4.0], 0.5)
    [2.0, 3.3333333333333335, 3.7142857142857144]
    """
    found, average, weight = [], 0.0, 0.0
    for loss in losses:
        average = smoothing * average + (1 - smoothing) * loss
        weight = smoothing * weight + (1 - smoothing)
        found.append(average / weight)
    return found


def trend(losses: Sequence[float]) -> list[float]:
    """Returns losses without noise: medians of five neighbours, then weighted means of these.

    Example:

    >>> [round(value, 2) for value in trend([3.0, 3.0, 9.0, 3.0, 2.0, 2.0, 2.0])]
    [3.0, 3.0, 3.0, 2.89, 2.11, 2.0, 2.0]
    """
    if not losses:
        return []
    values = np.asarray(losses, "float64")
    padded = np.pad(values, 2, "edge")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=-1)
    size = max(0.5, len(values) / 40)
    places = np.arange(-math.ceil(3 * size), math.ceil(3 * size) + 1)
    weights = np.exp(-0.5 * np.square(places / size))
    sums = np.convolve(medians, weights, "full") / np.convolve(
        np.ones(len(values)), weights, "full"
    )
    half = len(places) // 2
    return sums[half : half + len(values)].tolist()


def _fall(losses: Sequence[float], trend: Sequence[float]) -> tuple[int, int, int] | None:
    """Returns where the falling of a trend begins and ends, and where its lowest point is."""
    if len(losses) < _LEAST:
        return None
    values = np.asarray(trend)
    lowest = int(values.argmin())
    high = float(np.median(values[: max(1, lowest // 2)]))
    fall = high - values[lowest]
    noise = float(np.std(np.asarray(losses)[:lowest] - values[:lowest])) if lowest else 0.0
    if fall <= 1.5 * noise or fall <= 1e-6 * abs(high):
        return None
    first = int(np.flatnonzero(values[:lowest] > high - 0.1 * fall).max(initial=0))
    last = first + int(np.argmax(values[first : lowest + 1] < high - 0.9 * fall))
    return first, last, lowest


# ---------------------------------------------------------------------------------------- SVG


def _limits(test: RangeTest) -> tuple[float, float]:
    """Returns the losses between which the picture shows them: what comes last has no measure."""
    if test.valley is None:
        low, high = np.quantile(test.losses, (0.0, 0.9)).tolist()
        return low, high
    lowest = int(np.argmin(test.trend))
    shown = [*test.losses[: lowest + 1], *test.trend[: lowest + 1]]
    low, high, end = min(shown), max(shown), max(test.trend)
    return low, max(high, min(end, high + 0.5 * (high - low)))


def _picture(test: RangeTest, log: bool) -> SVGImage:
    across = Scale(test.rates, _WIDE, True)
    limits = [v for v in _limits(test) if v > 0 or not log] or [1.0]
    along = Scale(limits, -_HIGH, log)
    parts = [element("text", "loss by learning rate", x=0.0, y=-30.0, class_="ch-title")]
    parts += _legend()
    for tick in along.ticks:
        y = _HIGH + along(tick)
        parts.append(
            element("path", d=f"M0 {format_number(y)}h{format_number(_WIDE)}", class_="ch-rule")
        )
        parts.append(element("text", short(tick), x=-8.0, y=y + 4, class_="ch-text ch-end"))
    for tick in powers(across.low, across.high):
        x = across(tick)
        parts.append(
            element("path", d=f"M{format_number(x)} 0v{format_number(_HIGH)}", class_="ch-rule")
        )
        parts.append(element("text", _rate(tick), x=x, y=_HIGH + 18, class_="ch-text ch-mid"))
    parts.append(element("text", "learning rate", x=_WIDE, y=_HIGH + 36, class_="ch-text ch-end"))
    if test.valley is not None:
        left, right = (across(rate) for rate in test.valley)
        start, end = format_number(left), format_number(right)
        band = f"M{start} 0H{end}V{format_number(_HIGH)}H{start}z"
        parts.append(element("path", d=band, class_="ch-valley ch-mark-f"))
    window = f"M0 -4h{format_number(_WIDE)}v{format_number(_HIGH + 8)}h-{format_number(_WIDE)}z"
    lines = [
        element("path", d=_way(test, values, across, along, log), class_=f"ch-line ch-{kind}")
        for kind, values in (("raw", test.losses), ("trend", test.trend))
    ]
    clip = element("clipPath", element("path", d=window), id="ch-window")
    parts += [clip, element("g", *lines, clip_path="url(#ch-window)")]
    parts += _mark(test, across, along)
    body = [element("rect", class_="ch-back", width="100%", height="100%", rx=8.0)]
    body.append(
        element("g", *parts, transform=f"translate({format_number(_LEFT)} {format_number(_TOP)})")
    )
    size = (_LEFT + _WIDE + _RIGHT, _TOP + _HIGH + _BOTTOM)
    what = "Loss by learning rate"
    style = palette(("trend", "mark")) + (
        ".ch-raw{stroke:#8b97ab;stroke-width:1;opacity:.6}"
        ".ch-valley{opacity:.09}.ch-at{stroke-width:1.5;stroke-dasharray:4 3;fill:none}"
    )
    return SVGImage(document(size, body, style, title=what), what)


def _legend() -> list[str]:
    found, x = [], 0.0
    for kind, words in (("raw", "each batch"), ("trend", "trend")):
        line = element("path", d=f"M{format_number(x)} -14h18", class_=f"ch-line ch-{kind}")
        found += [line, element("text", words, x=x + 24, y=-10.0, class_="ch-text")]
        x += 24 + text_width(words, 11.0) + 20
    return found


def _way(test: RangeTest, values: Sequence[float], across: Any, along: Any, log: bool) -> str:
    line: Points = [
        (rate, value if value > 0 or not log else math.nan)
        for rate, value in zip(test.rates, values, strict=True)
    ]
    return way(line, across, along, _HIGH)[0]


def _mark(test: RangeTest, across: Any, along: Any) -> list[str]:
    rate = test.suggestion
    if rate is None:
        return [
            element(
                "text",
                "no suggestion: the loss never fell clearly",
                x=_WIDE,
                y=-10.0,
                class_="ch-text ch-end",
            )
        ]
    x = across(rate)
    value = test.trend[min(range(len(test.rates)), key=lambda i: abs(test.rates[i] - rate))]
    y = min(max(_HIGH + along(value), 0.0), _HIGH)
    side = -1 if x > _WIDE * 0.7 else 1
    words = f"suggestion {rate:.2g}"
    return [
        element("path", d=f"M{format_number(x)} 0v{format_number(_HIGH)}", class_="ch-at ch-mark"),
        element("circle", cx=x, cy=y, r=4.0, class_="ch-mark-f"),
        element(
            "text",
            words,
            x=x + side * 8,
            y=12.0,
            class_="ch-value ch-mark-f" + (" ch-end" if side < 0 else ""),
        ),
    ]


def _rate(value: float) -> str:
    """Returns a learning rate as it stands on the axis.

    Example:

    >>> _rate(1e-5), _rate(0.001), _rate(10.0)
    ('1e-5', '1e-3', '10')
    """
    text = f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e+")
    return text if value < 0.01 else f"{value:g}"


# --------------------------------------------------------------------------------- matplotlib


def _figure(test: RangeTest, log: bool) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_package("matplotlib", "matplotlib", "plot(backend='matplotlib')") from error
    pyplot = sys.modules.get("matplotlib.pyplot")
    figure = (
        Figure(figsize=(5.6, 3.6), layout="constrained")
        if pyplot is None
        else pyplot.figure(figsize=(5.6, 3.6), layout="constrained")
    )
    if pyplot is not None and "inline" in pyplot.get_backend():
        pyplot.close(figure)  # a notebook shows what is returned; it would come twice
    axes = figure.add_subplot()
    axes.plot(test.rates, test.losses, color="0.7", linewidth=1, label="each batch")
    axes.plot(test.rates, test.trend, label="trend")
    if test.suggestion is not None:
        label = f"suggestion {test.suggestion:.2g}"
        axes.axvspan(*test.valley, color="C1", alpha=0.1)
        axes.axvline(test.suggestion, color="C1", linestyle="--", label=label)
    axes.set_xscale("log")
    if log:
        axes.set_yscale("log")
    else:
        low, high = _limits(test)
        axes.set_ylim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    axes.set_xlabel("learning rate")
    axes.set_ylabel("loss")
    axes.grid(alpha=0.3)
    axes.legend()
    return figure
