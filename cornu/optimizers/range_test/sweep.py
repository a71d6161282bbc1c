"""Sweep: the learning rates of a range test, and when the test ends."""

from __future__ import annotations

import math
from typing import Any

from cornu.errors import suggest
from cornu.optimizers.range_test.result import RangeTest

__all__ = ["Sweep", "loss_of"]

_MODES = ("exponential", "linear")


class Sweep:
    """Learning rates that rise, and the losses at them, until these are too high.

    Args:
        start, end: the first and the last learning rate.
        steps: how many there are.
        mode: "exponential", each a fixed multiple of the one before, or "linear".
        stop_at: the test ends when the smoothed loss is so many times the lowest so far; None
            for only when it is not finite.
        smoothing: how much of the moving average is kept from one loss to the next.

    Raises:
        ValueError: a number is out of range, or the mode is unknown.

    Example:

    >>> sweep = Sweep(start=0.001, end=1.0, steps=4)
    >>> while not sweep.ended:
    ...     sweep.take(loss=1.0)
    >>> [round(rate, 6) for rate in sweep.result().rates]
    [0.001, 0.01, 0.1, 1.0]
    """

    def __init__(
        self,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int = 100,
        mode: str = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> None:
        if not 0 < start < end < math.inf:
            raise ValueError(
                f"Learning rates rise from start to end, above 0. Received: {start} and {end}"
            )
        if not isinstance(steps, int) or steps < 2:
            raise ValueError(f"steps must be an integer from 2 on. Received: {steps!r}")
        if mode not in _MODES:
            raise ValueError(f"Unknown mode {mode!r}. {suggest(mode, _MODES)}")
        if stop_at is not None and not stop_at > 1:
            raise ValueError(f"stop_at must be above 1, or None. Received: {stop_at!r}")
        if not 0 <= smoothing < 1:
            raise ValueError(f"smoothing must be from 0 to below 1. Received: {smoothing!r}")
        self.start, self.end, self.steps, self.mode = start, end, steps, mode
        self.stop_at, self.smoothing = stop_at, smoothing
        self.losses: list[float] = []
        self.ended = False
        self._average = self._weight = 0.0
        self._lowest = math.inf

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._rate(len(self.losses))

    def _rate(self, number: int) -> float:
        done = number / (self.steps - 1)
        if self.mode == "linear":
            return self.start + done * (self.end - self.start)
        return self.start * (self.end / self.start) ** done

    def take(self, loss: float) -> None:
        """Takes the loss of a step."""
        if not math.isfinite(loss):
            self.ended = True
            return
        self.losses.append(float(loss))
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        self._weight = self.smoothing * self._weight + 1 - self.smoothing
        smooth = self._average / self._weight
        self._lowest = min(self._lowest, smooth)
        # Of a loss that may be negative, as many times its size above it.
        far = self.stop_at is not None and smooth > self._lowest + (self.stop_at - 1) * abs(
            self._lowest
        )
        self.ended = far or len(self.losses) == self.steps

    def result(self) -> RangeTest:
        """Returns what was found."""
        rates = [self._rate(number) for number in range(len(self.losses))]
        return RangeTest(rates, self.losses, self.smoothing)


def loss_of(logs: Any) -> float:
    """Returns the loss in the logs of a step."""
    if "loss" not in logs:
        raise ValueError(
            f"A learning rate range test needs the loss of each step. The logs have only "
            f'{", ".join(map(repr, logs)) or "nothing"}: return {{"loss": loss}} from `train_step`.'
        )
    return float(logs["loss"])
