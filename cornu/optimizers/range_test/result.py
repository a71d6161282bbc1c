"""RangeTest: the result of a learning rate range test, with suggested learning rates."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from cornu.errors import suggest
from cornu.optimizers.range_test.plot import plot_matplotlib, plot_svg

__all__ = ["RangeTest"]

_BACKENDS = ("auto", "svg", "matplotlib")
_METHODS = ("valley", "steepest", "minimum")
_MIN_POINTS = 5  # fewer points give no suggestion


class RangeTest:
    """The losses of a model at learning rates that increase step by step.

    Args:
        rates: the learning rates.
        losses: the loss of a batch at each of them.
        smoothing: the decay rate of the moving average of the losses.

    Attributes:
        rates, losses: as given.
        smoothed: the bias-corrected moving average of the losses. It lags behind the losses, and
            determines when the test ends.
        trend: the losses without noise and without lag: medians of five neighbors, then weighted
            means of neighbors. It determines the suggestions.
        valley: the rates between which the trend decreases from 90 % to 10 % of the difference
            between its initial level and its minimum; None if it does not decrease.
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
        self.smoothed = smooth_losses(self.losses, smoothing)
        self.trend = remove_noise(self.losses)
        self._decrease = _find_decrease(self.losses, self.trend)

    def suggest(
        self, method: Literal["steepest", "valley", "minimum"] = "steepest"
    ) -> float | None:
        """Returns a learning rate to train with, or None if the loss did not decrease clearly.

        Args:
            method: one of

                * `"steepest"`: where the trend decreases fastest over the logarithm of the rate. It
                  is a large rate: for short training, or for the peak of a schedule.
                * `"valley"`: the middle of the valley on the logarithmic axis: a conservative rate.
                * `"minimum"`: a tenth of the rate at which the trend is lowest.

        Raises:
            ValueError: an unknown method.

        References: Leslie N. Smith (2017), "Cyclical learning rates for training neural
            networks", section 3.3.
        """
        if method not in _METHODS:
            raise ValueError(f"suggest: unknown method {method!r}. {suggest(method, _METHODS)}")
        if self._decrease is None:
            return None
        first, last, lowest = self._decrease
        if method == "minimum":
            return self.rates[lowest] / 10
        if method == "valley":
            return math.sqrt(self.rates[first] * self.rates[last])
        slopes = np.gradient(self.trend, np.log(self.rates))
        return self.rates[first + int(np.argmin(slopes[first : last + 1]))]

    @property
    def suggestion(self) -> float | None:
        """A learning rate to train with; None if the loss did not decrease clearly."""
        return self.suggest()

    @property
    def valley(self) -> tuple[float, float] | None:
        """The rates between which the trend decreases."""
        if self._decrease is None:
            return None
        first, last, _ = self._decrease
        return self.rates[first], self.rates[last]

    def plot(
        self, backend: Literal["auto", "svg", "matplotlib"] = "auto", log: bool = False
    ) -> Any:
        """Plots the loss over the learning rate, and marks the suggestion.

        A notebook shows the result; `save("rates.svg")` writes it.

        Args:
            backend: "svg", "matplotlib" for a figure, or "auto": a figure if the program has
                imported `matplotlib.pyplot`, else SVG.
            log: whether the axis of the losses is logarithmic, too.

        Raises:
            ValueError: an unknown backend, or fewer than two losses.
            ImportError: `backend="matplotlib"` without matplotlib.
        """
        if backend not in _BACKENDS:
            raise ValueError(f"plot: unknown backend {backend!r}. {suggest(backend, _BACKENDS)}")
        if len(self.rates) < 2:
            raise ValueError("plot: expected at least 2 losses. The test ended too early.")
        if backend == "matplotlib" or (backend == "auto" and "matplotlib.pyplot" in sys.modules):
            return plot_matplotlib(self, log)
        return plot_svg(self, log)

    def _repr_html_(self) -> str:
        return str(plot_svg(self, False)) if len(self.rates) > 1 else repr(self)

    def __repr__(self) -> str:
        rate = self.suggestion
        suggestion = "no suggestion" if rate is None else f"suggestion {rate:.3g}"
        ends = f" from {self.rates[0]:.3g} to {self.rates[-1]:.3g}" if self.rates else ""
        return f"<RangeTest: {len(self.rates)} rates{ends}, {suggestion}>"


def smooth_losses(losses: Sequence[float], smoothing: float) -> list[float]:
    """Returns the bias-corrected exponential moving average of losses.

    Example:

    >>> smooth_losses([2.0, 4.0, 4.0], 0.5)
    [2.0, 3.3333333333333335, 3.7142857142857144]
    """
    averages, average, weight = [], 0.0, 0.0
    for loss in losses:
        average = smoothing * average + (1 - smoothing) * loss
        weight = smoothing * weight + (1 - smoothing)
        averages.append(average / weight)
    return averages


def remove_noise(losses: Sequence[float]) -> list[float]:
    """Removes the noise of losses: medians of five neighbors, then weighted means of these.

    Example:

    >>> [round(value, 2) for value in remove_noise([3.0, 3.0, 9.0, 3.0, 2.0, 2.0, 2.0])]
    [3.0, 3.0, 3.0, 2.89, 2.11, 2.0, 2.0]
    """
    if not losses:
        return []
    values = np.asarray(losses, "float64")
    padded = np.pad(values, 2, "edge")
    medians = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=-1)
    size = max(0.5, len(values) / 40)
    # A Gaussian kernel, normalized at the ends, where a part of it is outside of the values.
    offsets = np.arange(-math.ceil(3 * size), math.ceil(3 * size) + 1)
    weights = np.exp(-0.5 * np.square(offsets / size))
    sums = np.convolve(medians, weights, "full") / np.convolve(
        np.ones(len(values)), weights, "full"
    )
    half = len(offsets) // 2
    smooth: list[float] = sums[half : half + len(values)].tolist()
    return smooth


def _find_decrease(losses: Sequence[float], trend: Sequence[float]) -> tuple[int, int, int] | None:
    """Returns the indices where a trend starts and stops to decrease, and that of its minimum."""
    if len(losses) < _MIN_POINTS:
        return None
    values = np.asarray(trend)
    lowest = int(values.argmin())
    high = float(np.median(values[: max(1, lowest // 2)]))
    fall = high - values[lowest]
    noise = float(np.std(np.asarray(losses)[:lowest] - values[:lowest])) if lowest else 0.0
    # A decrease within the noise, or of rounding errors, is none.
    if fall <= 1.5 * noise or fall <= 1e-6 * abs(high):
        return None
    first = int(np.flatnonzero(values[:lowest] > high - 0.1 * fall).max(initial=0))
    last = first + int(np.argmax(values[first : lowest + 1] < high - 0.9 * fall))
    return first, last, lowest
