"""RangeTest: the result of a learning rate range test."""

from __future__ import annotations

import math
from collections.abc import Sequence
from os import PathLike
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from cornu.errors import quantity, suggest
from cornu.graphics.figure import PlotBackend, make_plot
from cornu.graphics.svg import SVGImage
from cornu.optimizers.range_test.plot import draw_figure, draw_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RangeTest", "SuggestionMethod"]

SuggestionMethod: TypeAlias = Literal["steepest", "valley", "minimum"]

_METHODS = ("valley", "steepest", "minimum")
_MIN_POINTS = 5  # needed for a suggestion
_NARROW, _WIDE = 1 / 40, 1 / 25  # widths of the smoothing of the trend, see `estimate_trend`


class RangeTest:
    """The losses of a model at increasing learning rates.

    Args:
        rates: the learning rates.
        losses: the loss of a batch at each learning rate.
        smoothing: the decay of the moving average of losses.

    Attributes:
        rates, losses: as passed.
        smoothed: the moving average of the losses with bias correction, which determines the end
            of the test. It lags behind the losses.
        trend: the losses without noise and without lag, from which suggestions are derived: the
            median of five neighbors, then a weighted mean of neighbors.
        valley: the learning rates between which the trend decreases, from 10 % to 90 % of the
            difference between its initial level and its minimum; None if it does not decrease.
        suggestion: a learning rate to train with: `suggest()`.

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
        self.smoothed = smooth(self.losses, smoothing)
        self.trend = estimate_trend(self.losses)
        self._fall = _find_fall(self.losses, self.trend)

    def suggest(self, method: SuggestionMethod = "valley") -> float | None:
        """Returns a learning rate to train with, or None if the loss did not decrease clearly.

        Args:
            method: one of

                * `"valley"`: the rate at which the trend has decreased by half. Of the three, it
                  depends least on the noise of the batches.
                * `"steepest"`: the rate at which the trend decreases fastest on a logarithmic axis.
                  It is often larger, and suits short training or the peak of a schedule, but may
                  differ by a factor of ten between two tests.
                * `"minimum"`: a tenth of the rate at which the trend is minimal.

        Raises:
            ValueError: the method is unknown.

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
            return self._rate_of_half_decrease()
        slopes = np.gradient(self.trend, np.log(self.rates))
        return self.rates[first + int(np.argmin(slopes[first : last + 1]))]

    def _rate_of_half_decrease(self) -> float:
        # Smoother than `trend`: where a curve crosses a level, a bump counts more than its area.
        values = np.asarray(estimate_trend(self.losses, _WIDE))
        lowest = int(values.argmin())
        level = (float(np.median(values[: max(1, lowest // 2)])) + values[lowest]) / 2
        # The last crossing: before it, the loss is noise around its initial level.
        above = int(np.flatnonzero(values[: lowest + 1] > level).max(initial=0))
        below = min(above + 1, lowest)
        logs = np.log([self.rates[above], self.rates[below]])
        fall = values[above] - values[below]
        part = (values[above] - level) / fall if fall > 0 else 0.0
        return math.exp(float(logs[0] + part * (logs[1] - logs[0])))

    @property
    def suggestion(self) -> float | None:
        """A learning rate to train with, or None if the loss did not decrease clearly."""
        return self.suggest()

    @property
    def valley(self) -> tuple[float, float] | None:
        """The learning rates between which the trend decreases."""
        return (
            None if self._fall is None else (self.rates[self._fall[0]], self.rates[self._fall[1]])
        )

    def plot(
        self,
        backend: PlotBackend = "auto",
        log: bool = False,
        to_file: str | PathLike[str] | None = None,
    ) -> SVGImage | Figure:
        """Plots the loss over the learning rate, with the suggestions of all methods.

        A notebook displays the result.

        Args:
            backend: "svg", "matplotlib", or "auto": matplotlib if the program has imported
                `matplotlib.pyplot`, otherwise SVG.
            log: whether the axis of losses is logarithmic as well.
            to_file: the file: `.svg`, or with matplotlib also `.png` and `.pdf`. Without
                matplotlib, an SVG file is written instead, which is said once.

        Raises:
            ValueError: the backend or the suffix of the file is unknown, or there are fewer than
                two losses.
            ImportError: `backend="matplotlib"` and matplotlib is not installed.
        """
        if len(self.rates) < 2:
            raise ValueError(
                "plot: there is nothing to plot, because the test ended after fewer than two steps."
            )
        return make_plot(
            lambda: draw_svg(self, log), lambda: draw_figure(self, log), backend, to_file
        )

    def _repr_html_(self) -> str:
        return str(draw_svg(self, False)) if len(self.rates) > 1 else repr(self)

    def __repr__(self) -> str:
        rate = self.suggestion
        suggestion = "no suggestion" if rate is None else f"suggestion {rate:.3g}"
        limits = f" from {self.rates[0]:.3g} to {self.rates[-1]:.3g}" if self.rates else ""
        return f"<RangeTest: {quantity(len(self.rates), 'rate')}{limits}, {suggestion}>"


def smooth(losses: Sequence[float], smoothing: float) -> list[float]:
    """Returns an exponential moving average with bias correction.

    Example:

    >>> smooth([2.0, 4.0, 4.0], 0.5)
    [2.0, 3.3333333333333335, 3.7142857142857144]
    """
    found, average, weight = [], 0.0, 0.0
    for loss in losses:
        average = smoothing * average + (1 - smoothing) * loss
        weight = smoothing * weight + (1 - smoothing)
        found.append(average / weight)
    return found


def estimate_trend(losses: Sequence[float], width: float = _NARROW) -> list[float]:
    """Returns losses without noise: medians of five neighbors, then Gaussian smoothing.

    Args:
        losses: the losses.
        width: the standard deviation of the smoothing, as a fraction of the number of losses.

    Example:

    >>> [round(value, 2) for value in estimate_trend([3.0, 3.0, 9.0, 3.0, 2.0, 2.0, 2.0])]
    [3.0, 3.0, 3.0, 2.89, 2.11, 2.0, 2.0]
    """
    if not losses:
        return []
    values = np.asarray(losses, "float64")
    padded = np.pad(values, 2, "edge")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=-1)
    size = max(0.5, len(values) * width)
    offsets = np.arange(-math.ceil(3 * size), math.ceil(3 * size) + 1)
    weights = np.exp(-0.5 * np.square(offsets / size))
    # Divided by the sum of the weights within the data: otherwise the ends would tend to 0.
    sums = np.convolve(medians, weights, "full") / np.convolve(
        np.ones(len(values)), weights, "full"
    )
    half = len(offsets) // 2
    result: list[float] = sums[half : half + len(values)].tolist()
    return result


def _find_fall(
    losses: Sequence[float], estimate_trend: Sequence[float]
) -> tuple[int, int, int] | None:
    """Returns the indices where the decrease of a trend begins and ends, and of its minimum."""
    if len(losses) < _MIN_POINTS:
        return None
    values = np.asarray(estimate_trend)
    lowest = int(values.argmin())
    high = float(np.median(values[: max(1, lowest // 2)]))
    fall = high - values[lowest]
    noise = float(np.std(np.asarray(losses)[:lowest] - values[:lowest])) if lowest else 0.0
    # A decrease within the noise is not a trend.
    if fall <= 1.5 * noise or fall <= 1e-6 * abs(high):
        return None
    first = int(np.flatnonzero(values[:lowest] > high - 0.1 * fall).max(initial=0))
    last = first + int(np.argmax(values[first : lowest + 1] < high - 0.9 * fall))
    return first, last, lowest
