"""LRFinder: a learning rate range test in the place of training."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback, Step
from cornu.optimizers.learning_rate_override import LearningRateOverride
from cornu.optimizers.range_test.result import RangeTest
from cornu.optimizers.range_test.sweep import Sweep, loss_of

__all__ = ["LRFinder"]


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
        self._rate_override: LearningRateOverride | None = None
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
        self._rate_override = LearningRateOverride(self.model.optimizer)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Sets the next learning rate."""
        if self._rate_override is not None:
            self._rate_override.set(self._sweep.rate)
        self.model.reset_metrics()  # so that the loss is that of this batch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Takes the loss, and ends `fit` when it is time."""
        self._sweep.record(loss_of(logs))
        if self._sweep.ended:
            self.model.stop_training = True

    def on_train_end(self, logs: Any = None) -> None:
        """Puts everything back."""
        if self._rate_override is not None:
            self._rate_override.restore()
            self._snapshot.restore()
        self._rate_override = self._snapshot = None

    def on_train_exception(self, error: BaseException) -> None:
        """Puts everything back."""
        self.on_train_end()
