"""Sweep: the learning rates of a range test, and the condition that ends it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from cornu.errors import is_positive_integer, suggest
from cornu.optimizers.range_test.result import RangeTest

__all__ = ["Sweep", "SweepMode", "read_loss"]

SweepMode: TypeAlias = Literal["exponential", "linear"]

_MODES = ("exponential", "linear")


class Sweep:
    """A sequence of increasing learning rates, with the loss at each of them.

    Args:
        start, end: the first and the last learning rate.
        steps: the number of learning rates.
        mode: "exponential" (a constant factor between rates) or "linear" (a constant difference).
        stop_at: the test ends when the smoothed loss exceeds its minimum by this factor; None to
            end only when the loss is not finite.
        smoothing: the decay of the moving average of losses.

    Raises:
        ValueError: an argument is out of range, or the mode is unknown.

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
        mode: SweepMode = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> None:
        if not 0 < start < end < math.inf:
            raise ValueError(
                f"Learning rate range test: expected 0 < start < end. "
                f"Received: start={start}, end={end}"
            )
        if not is_positive_integer(steps) or steps < 2:
            raise ValueError(
                f"Learning rate range test: steps must be an integer >= 2. Received: {steps!r}"
            )
        if mode not in _MODES:
            raise ValueError(
                f"Learning rate range test: unknown mode {mode!r}. {suggest(mode, _MODES)}"
            )
        if stop_at is not None and not stop_at > 1:
            raise ValueError(
                "Learning rate range test: stop_at must be greater than 1, or None. "
                f"Received: {stop_at!r}"
            )
        if not 0 <= smoothing < 1:
            raise ValueError(
                f"Learning rate range test: smoothing must be in [0, 1). Received: {smoothing!r}"
            )
        self.start, self.end, self.steps, self.mode = start, end, steps, mode
        self.stop_at, self.smoothing = stop_at, smoothing
        self.losses: list[float] = []
        self.ended = False
        self._average = self._weight = 0.0
        self._lowest = math.inf

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return self._compute_rate(len(self.losses))

    def _compute_rate(self, number: int) -> float:
        fraction = number / (self.steps - 1)
        if self.mode == "linear":
            return self.start + fraction * (self.end - self.start)
        rate: float = self.start * (self.end / self.start) ** fraction
        return rate

    def record(self, loss: float) -> None:
        """Records the loss at the current learning rate."""
        if not math.isfinite(loss):
            self.ended = True
            return
        self.losses.append(float(loss))
        self._average = self.smoothing * self._average + (1 - self.smoothing) * loss
        self._weight = self.smoothing * self._weight + 1 - self.smoothing
        smooth = self._average / self._weight
        self._lowest = min(self._lowest, smooth)
        # A loss may be negative: then the distance is relative to its absolute value.
        diverged = self.stop_at is not None and smooth > self._lowest + (self.stop_at - 1) * abs(
            self._lowest
        )
        self.ended = diverged or len(self.losses) == self.steps

    def result(self) -> RangeTest:
        """Returns the losses by learning rate."""
        rates = [self._compute_rate(number) for number in range(len(self.losses))]
        return RangeTest(rates, self.losses, self.smoothing)


def read_loss(logs: Mapping[str, Any]) -> float:
    """Returns the loss from the logs of a training step."""
    if "loss" not in logs:
        raise ValueError(
            "A learning rate range test needs the loss of each step, but the logs contain only "
            f'{", ".join(map(repr, logs)) or "nothing"}. Return {{"loss": loss}} from `train_step`.'
        )
    return float(logs["loss"])
