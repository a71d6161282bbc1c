"""Tuned: what a model offers for finding how to train it."""

from __future__ import annotations

from typing import Any

from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.errors import suggest
from cornu.models.batch_finder import TARGETS, find_batch_size
from cornu.models.batch_sizes import BatchSizes
from cornu.models.rate_finder import find_lr
from cornu.models.snapshot import Snapshot
from cornu.models.trainer import Trainer
from cornu.optimizers.range_test.result import RangeTest
from cornu.optimizers.range_test.sweep import Sweep

__all__ = ["Tuned"]


class Tuned(Trainer):
    """The part of a Model that tries out how it is best trained."""

    @api_boundary
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

    @api_boundary
    def find_batch_size(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        *,
        start: int = 32,
        largest: int | None = None,
        target: str = "memory",
        limit: int | None = None,
    ) -> BatchSizes:
        """Returns the largest batch size whose training step fits into memory, or the fastest.

        How much memory a step needs is asked of the compiler, so that nothing runs out of memory.
        Sizes are tried from `start` on in powers of two; then, for memory, what lies between.
        Afterwards the model is what it was before. Each size that is tried is compiled once.

        Args:
            x, y, sample_weight: as in `fit`; of an iterable only the first batch is looked at.
            start: the size to begin with.
            largest: none above this is tried; by default the rows of the data, or 2**20.
            target: "memory" for the largest that fits; "speed" for the smallest power of two of
                which twice as much is hardly faster (5 percent), measured by running steps.
            limit: the bytes that may be used; by default 90 percent of what is free on the device,
                or half of the host's free memory where that is the device.

        Returns:
            A `BatchSizes`: `best` is the size; it is a sequence with `rows`, `memory`, `fits`,
            `seconds` and `rows_per_second` of each size, and prints as a table.

        Raises:
            ValueError: not even a batch of one row fits, or an argument is out of range.

        Differences: not in Keras. Lightning's finder runs steps until memory is used up. What the
            compiler says leaves out what libraries take for themselves while they run: on CPUs,
            convolutions took about as much again; dense layers nothing.

        Example:

        >>> import cornu, numpy as np
        >>> model = cornu.Sequential([cornu.Input((256,)), cornu.layers.Dense(256)])
        >>> model.compile("adam", "mse")
        >>> x = np.zeros((4096, 256), "float32")
        >>> found = model.find_batch_size(x, x, limit=12 * 2**20)
        >>> 512 < found.best < 1024, found[-1].rows, found[-1].fits
        (True, 1024, False)
        """
        self._need_optimizer("find_batch_size")
        if target not in TARGETS:
            raise ValueError(f"Unknown target {target!r}. {suggest(target, TARGETS)}")
        for name, value in (("start", start), ("largest", largest), ("limit", limit)):
            if value is not None and (not isinstance(value, int) or value < 1):
                raise ValueError(f"{name} must be an integer from 1 on. Received: {value!r}")
        if self.run_eagerly:
            raise ValueError(
                f"Model {self.name!r} runs eagerly: only a compiled step tells how much memory it "
                "needs. Compile the model without run_eagerly."
            )
        return find_batch_size(self, x, y, sample_weight, start, largest, target, limit)

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
