"""Statistics: how the numbers inside the model are distributed, while it is trained."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.tensorboard.event_file import EventWriter

__all__ = ["Statistics"]


class Statistics(Callback):
    """Records how outputs, weights and gradients are distributed, on some data, now and then.

    With `log_dir` TensorBoard shows them: a histogram for each array, and curves of its mean,
    standard deviation, and fractions of zeros and of what is not finite.

    Args:
        x: inputs, a batch of them; validation data is a good choice.
        y: targets; with them there are gradients.
        sample_weight: weights of the rows.
        every_epochs: after every so many epochs; `None` for not at all.
        every_batches: after every so many training steps, counted over the whole run, as well.
            It costs the speed of steps that run together.
        log_dir: a folder for TensorBoard.
        what: the layers to look at, as in `cornu.inspect.find`; all by default.
        training: whether layers behave as in training.

    Attributes:
        tables: `(steps, table)` for each time, `steps` being the epochs, or the training steps if
            `every_batches` is given, that were done; the table is what `model.statistics` returns.

    Raises:
        ValueError: a number is not positive, or nothing is to be recorded.

    Example:

    >>> import cornu, numpy as np
    >>> x, y = np.ones((8, 2)), np.zeros((8, 1))
    >>> model = cornu.Sequential([cornu.layers.Dense(1, name="out")])
    >>> model.compile("sgd", "mse")
    >>> watch = cornu.callbacks.Statistics(x, y, every_epochs=2)
    >>> history = model.fit(x, y, epochs=4, verbose=0, callbacks=[watch])
    >>> [step for step, _ in watch.tables]
    [2, 4]
    >>> means = [abs(t.of("weight gradient")["out/bias"].mean) for _, t in watch.tables]
    >>> bool(means[1] < means[0])
    True

    Differences: Keras's TensorBoard callback shows weights, but neither outputs nor gradients.
    """

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        every_epochs: int | None = 1,
        every_batches: int | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        what: Any = None,
        training: bool = False,
    ) -> None:
        for name, number in (("every_epochs", every_epochs), ("every_batches", every_batches)):
            if number is not None and number < 1:
                raise ValueError(f"Statistics: {name} must be at least 1. Received: {number}")
        if every_epochs is None and every_batches is None:
            raise ValueError("Statistics: give every_epochs or every_batches.")
        self.x, self.y, self.sample_weight = x, y, sample_weight
        self.every_epochs = every_epochs
        self.writes_files = log_dir is not None
        self.every_batches = every_batches
        self.log_dir = None if log_dir is None else os.fspath(log_dir)
        self.what = what
        self.training = training
        self.tables: list[tuple[int, Any]] = []
        self._steps = 0
        self._recorded: int | None = None
        self._writer: EventWriter | None = None
        if every_batches is not None:
            # On the object alone: a class with this method would always be called after each step.
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the file."""
        self._recorded = None
        if self.log_dir is not None:
            self._writer = EventWriter(self.log_dir, ".statistics")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Records, if it is time."""
        if self.every_epochs is not None and (epoch + 1) % self.every_epochs == 0:
            self._record(epoch + 1 if self.every_batches is None else self._steps)

    def on_train_end(self, logs: Any = None) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _after_batch(self, batch: int, logs: Any = None) -> None:
        before, self._steps = self._steps, self._steps + 1
        assert self.every_batches is not None
        if self._steps // self.every_batches > before // self.every_batches:
            self._record(self._steps)

    def _record(self, step: int) -> None:
        if step == self._recorded:  # an epoch may end with a batch that was due
            return
        self._recorded = step
        table = self.model.statistics(self.x, self.y, self.sample_weight, self.training, self.what)
        self.tables.append((step, table))
        if self._writer is not None:
            for row in table:
                _write(self._writer, row, step)
            self._writer.flush()


def _write(writer: EventWriter, row: Any, step: int) -> None:
    tag = f"{row.kind.replace(' ', '_')}s/{row.path}"
    for name in ("mean", "std", "zeros", "nonfinite"):
        writer.scalar(f"{tag}/{name}", getattr(row, name), step)
    count = int(np.sum(row.counts))
    if count:
        total = row.mean * count
        squares = (row.std**2 + row.mean**2) * count
        writer.counts(tag, row.counts, row.edges, step, total, squares)
