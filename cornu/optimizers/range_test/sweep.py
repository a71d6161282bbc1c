"""Sweep: the learning rates of a range test, and when the test ends."""

from __future__ import annotations

import math
from typing import Any, Literal

from cornu.errors import suggest
from cornu.optimizers.range_test.result import RangeTest

__all__ = ["Sweep", "loss_of"]

_MODES = ("exponential", "linear")


class Sweep:
    """Increasing learning rates and the losses at them, until the loss diverges.

    Args:
        start, end: the first and the last learning rate.
        steps: the number of learning rates.
        mode: "exponential" (a constant ratio of successive rates) or "linear" (a constant
            difference).
        stop_at: the test ends when the smoothed loss exceeds this multiple of its minimum; None
            to end only when it is not finite.
        smoothing: the decay rate of the moving average of the losses.

    Raises:
        ValueError: a number is out of range, or the mode is unknown.

    Example:

    >>> sweep = Sweep(start=0.001, end=1.0, steps=4)
    >>> while not sweep.ended:
    ...     sweep.record(loss=1.0)
    >>> [round(rate, 6) for rate in sweep.result().rates]
    [0.001, 0.01, 0.1, 1.0]
    """

    def __init__(
        self,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int = 100,
        mode: Literal["exponential", "linear"] = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> None:
        if not 0 < start < end < math.inf:
            raise ValueError(f"Expected 0 < start < end. Received: start={start} and end={end}")
        if not isinstance(steps, int) or steps < 2:
            raise ValueError(f"steps must be an integer of at least 2. Received: {steps!r}")
        if mode not in _MODES:
            raise ValueError(f"Unknown mode {mode!r}. {suggest(mode, _MODES)}")
        if stop_at is not None and not stop_at > 1:
            raise ValueError(f"stop_at must be greater than 1, or None. Received: {stop_at!r}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be in [0, 1). Received: {smoothing!r}")
        self.start, self.end, self.steps, self.mode = start, end, steps, mode
        self.stop_at, self.smoothing = stop_at, smoothing
        self.losses: list[float] = []
        self.ended = False
        self._average = self._weight = 0.0
        self._lowest = math.inf

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._rate_of_step(len(self.losses))

    def _rate_of_step(self, step: int) -> float:
        done = step / (self.steps - 1)
        if self.mode == "linear":
            return self.start + done * (self.end - self.start)
        return self.start * math.pow(self.end / self.start, done)

    def record(self, loss: float) -> None:
        """Records the loss of a step, and determines whether the test has ended."""
        if not math.isfinite(loss):
            self.ended = True
            return
        self.losses.append(float(loss))
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        self._weight = self.smoothing * self._weight + 1 - self.smoothing
        smooth = self._average / self._weight
        self._lowest = min(self._lowest, smooth)
        # With the absolute value, the limit is above the minimum also for negative losses.
        diverged = self.stop_at is not None and smooth > self._lowest + (self.stop_at - 1) * abs(
            self._lowest
        )
        self.ended = diverged or len(self.losses) == self.steps

    def result(self) -> RangeTest:
        """Returns the result of the test."""
        rates = [self._rate_of_step(step) for step in range(len(self.losses))]
        return RangeTest(rates, self.losses, self.smoothing)


def loss_of(logs: Any) -> float:
    """Returns the loss in the logs of a step."""
    if "loss" not in logs:
        raise ValueError(
            f"A learning rate range test requires the loss of each step. The logs contain only "
            f'{", ".join(map(repr, logs)) or "nothing"}: return {{"loss": loss}} from `train_step`.'
        )
    return float(logs["loss"])
