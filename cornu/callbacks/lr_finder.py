"""LRFinder: runs a learning rate range test instead of training."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.callback import Callback, Step
from cornu.optimizers.learning_rate_override import LearningRateOverride
from cornu.optimizers.range_test.result import RangeTest
from cornu.optimizers.range_test.sweep import Sweep, SweepMode, read_loss
from cornu.types import Logs

__all__ = ["LRFinder"]


class LRFinder(Callback):
    """Runs a learning rate range test in `fit`, and restores the model afterwards.

    The learning rate increases from step to step and overrides any schedule. `fit` ends when the
    loss is too high or the last learning rate was tried. Then weights, optimizer, metrics, counters
    and random seeds are restored. `model.find_lr` does the same in one call.

    Args:
        start, end, steps, mode, stop_at, smoothing: see `model.find_lr`.

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
        mode: SweepMode = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> None:
        self._arguments = (start, end, steps, mode, stop_at, smoothing)
        self._sweep = Sweep(*self._arguments)
        self._rate_override: LearningRateOverride | None = None
        self._snapshot: Any = None

    @property
    def result(self) -> RangeTest:
        """The result so far."""
        return self._sweep.result()

    def around_step(self, step: Step) -> Step:
        """Returns an equivalent step.

        The wrapper only gives the step a program of its own, so that programs compiled for other
        calls of `fit`, with a schedule, are not used.
        """
        return lambda batch: step(batch)

    def on_train_begin(self, logs: Logs = None) -> None:
        """Takes a snapshot of the model."""
        self._sweep = Sweep(*self._arguments)
        self._snapshot = self.model._snapshot_()
        self._rate_override = LearningRateOverride(self.model.optimizer)

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Sets the next learning rate."""
        if self._rate_override is not None:
            self._rate_override.set(self._sweep.rate)
        self.model.reset_metrics()  # so that the loss is that of one batch

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Records the loss, and ends `fit` at the end of the test."""
        self._sweep.record(read_loss(logs))
        if self._sweep.ended:
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        """Restores the model."""
        if self._rate_override is not None:
            self._rate_override.restore()
            self._snapshot.restore()
        self._rate_override = self._snapshot = None

    def on_train_exception(self, error: BaseException) -> None:
        """Restores the model."""
        self.on_train_end()
