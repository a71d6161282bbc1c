"""Tuned: what a model offers for finding how to train it."""

from __future__ import annotations

from typing import Any

from cornu.callbacks.lr_finder import Sweep
from cornu.callbacks.range_test import RangeTest
from cornu.core.border import border
from cornu.models.rate_finder import find_lr
from cornu.models.snapshot import Snapshot
from cornu.models.trainer import Trainer

__all__ = ["Tuned"]


class Tuned(Trainer):
    """The part of a Model that tries out how it is best trained."""

    @border
    def find_lr(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        batch_size: int | None = None,
        class_weight: Any = None,
        start: float = 1e-7,
        end: float = 10.0,
        steps: int = 100,
        mode: str = "exponential",
        stop_at: float | None = 4.0,
        smoothing: float = 0.98,
    ) -> RangeTest:
        """Trains with learning rates that rise from step to step, and says which is good.

        Afterwards weights, optimizer, metrics, history, counters and seeds are what they were
        before, and `fit` does what it would have done. What was not built yet is built, as `fit`
        would. Nothing is compiled anew for a rate. A generator has given its batches away.

        Args:
            x, y, sample_weight, batch_size, class_weight: as in `fit`. Data is shuffled, and read
                again from its beginning as often as needed.
            start, end: the first and the last learning rate.
            steps: how many are tried, one batch for each.
            mode: "exponential", each a fixed multiple of the one before, or "linear".
            stop_at: the test ends when the smoothed loss is so many times the lowest so far; None
                for only when it is not finite.
            smoothing: how much of the moving average of losses is kept in a step.

        Returns:
            A `RangeTest` with `rates`, `losses`, `smoothed`, `suggestion` and `plot()`. The
            suggestion is the rate at which the loss fell fastest: one for short training, or for
            the peak of a `OneCycle`. `suggest("valley")` gives a more careful one.

        Raises:
            ValueError: the data does not fit the model, or an argument is out of range.
            AttributeError: the learning rate of an optax transformation cannot be changed.

        References: Leslie N. Smith (2017), "Cyclical learning rates for training neural
            networks", section 3.3.

        Differences: not in Keras. A schedule makes way for the test. Of several optimizers, the
            one with the largest rate gets what is tried, and the others keep their ratios to it;
            so do rates by path (`Optimizer.set_rates`).

        Example:

        >>> import cornu, numpy as np
        >>> x = np.random.default_rng(0).normal(size=(256, 4)).astype("float32")
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> test = model.find_lr(x, x.sum(1, keepdims=True), steps=50)
        >>> 1e-3 < test.suggestion < 1
        True
        >>> test.plot(backend="svg").what
        'Loss by learning rate'
        """
        self._need_optimizer("find_lr")
        sweep = Sweep(start, end, steps, mode, stop_at, smoothing)
        return find_lr(self, x, y, sample_weight, batch_size, class_weight, sweep)

    def snapshot(self) -> Snapshot:
        """Returns all that training changes, to be put back with `.restore()`.

        These are weights, optimizer, metrics, history, counters and random sources, as far as
        they are built.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((4,)), cornu.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> before, weights = model.snapshot(), model.get_weights()
        >>> _ = model.fit(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
        >>> before.restore()
        >>> [bool((a == b).all()) for a, b in zip(weights, model.get_weights())]
        [True, True]

        Differences: not in Keras.
        """
        return Snapshot(self)
