"""LRFinder: a learning rate range test in the place of training."""

from __future__ import annotations

import math
from typing import Any

from cornu.callbacks.callback import Callback, Step
from cornu.callbacks.range_test import RangeTest
from cornu.errors import suggest
from cornu.optimizers.steering import Steering

__all__ = ["LRFinder", "Sweep"]

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


class LRFinder(Callback):
    """Makes a learning rate range test of a `fit`, and then puts everything back.

    The learning rate rises from step to step, whatever decides on it otherwise; `fit` ends when
    the loss is too high or the last rate was tried. Then weights, optimizer, metrics, counters
    and random numbers are what they were before. `model.find_lr` does the same in one call.

    Args:
        start, end, steps, mode, stop_at, smoothing: as in `model.find_lr`.

    Attributes:
        result: the `RangeTest`, with `suggestion` and `plot()`.

    References: Leslie N. Smith (2017), "Cyclical learning rates for training neural networks",
        section 3.3.

    Differences: not in Keras.

    Example:

    >>> import cornu, numpy as np
    >>> x = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
    >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> finder = LRFinder(steps=50)
    >>> _ = model.fit(x, x.sum(1, keepdims=True), epochs=9, verbose=0, callbacks=[finder])
    >>> 1e-3 < finder.result.suggestion < 1, int(model.optimizer.iterations)
    (True, 0)
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
        self._arguments = (start, end, steps, mode, stop_at, smoothing)
        self._sweep = Sweep(*self._arguments)
        self._steering: Steering | None = None
        self._snapshot: Any = None

    @property
    def result(self) -> RangeTest:
        """What was found so far."""
        return self._sweep.result()

    def around_step(self, step: Step) -> Step:
        """Returns the step as it is; its program is not that of a training without this."""
        return lambda batch: step(batch)

    def on_train_begin(self, logs: Any = None) -> None:
        """Notes everything, to put it back."""
        self._sweep = Sweep(*self._arguments)
        self._snapshot = self.model.snapshot()
        self._steering = Steering(self.model.optimizer)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the next learning rate."""
        if self._steering is not None:
            self._steering.set(self._sweep.rate)
        self.model.reset_metrics()  # so that the loss is that of this batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Takes the loss, and ends `fit` when it is time."""
        self._sweep.take(loss_of(logs))
        if self._sweep.ended:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Puts everything back."""
        if self._steering is not None:
            self._steering.end()
            self._snapshot.restore()
        self._steering = self._snapshot = None

    def on_train_exception(self, error: BaseException) -> None:
        """Puts everything back."""
        self.on_train_end()


def loss_of(logs: Any) -> float:
    """Returns the loss in the logs of a step."""
    if "loss" not in logs:
        raise ValueError(
            f"A learning rate range test needs the loss of each step. The logs have only "
            f'{", ".join(map(repr, logs)) or "nothing"}: return {{"loss": loss}} from `train_step`.'
        )
    return float(logs["loss"])
