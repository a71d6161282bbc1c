"""Statistics: records the distributions of outputs, weights and gradients during training."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.trained_model import LayerQuery
from cornu.callbacks.tensorboard.event_file import EventWriter
from cornu.types import ArrayLike, Logs, PyTree

__all__ = ["Statistics"]


class Statistics(Callback):
    """Records the distributions of outputs, weights and gradients at regular intervals.

    With `log_dir`, TensorBoard displays them: a histogram of each array, and curves of its mean,
    its standard deviation, and its fractions of zeros and of non-finite values.

    Args:
        x: a batch of inputs, for example of the validation data.
        y: targets. Without targets, gradients are not recorded.
        sample_weight: weights of the samples.
        every_epochs: the number of epochs between two records; `None` to not count epochs.
        every_batches: the number of training steps between two records, counted over the whole
            run. Each step then runs by itself, which is slower.
        log_dir: a folder for TensorBoard.
        what: the layers to record, as in `cornu.inspect.find`; by default all.
        training: whether layers run in training mode.

    Attributes:
        tables: a list of `(step, table)`. `step` is the number of completed epochs, or of training
            steps if `every_batches` is given; `table` is the result of `model.statistics`.

    Raises:
        ValueError: an interval is not positive, or no interval is given.

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

    Differences: not in Keras, whose TensorBoard callback records weights only.
    """

    def __init__(
        self,
        x: PyTree,
        y: PyTree = None,
        sample_weight: ArrayLike | None = None,
        every_epochs: int | None = 1,
        every_batches: int | None = None,
        log_dir: str | os.PathLike[str] | None = None,
        what: LayerQuery | None = None,
        training: bool = False,
    ) -> None:
        for name, number in (("every_epochs", every_epochs), ("every_batches", every_batches)):
            if number is not None and number < 1:
                raise ValueError(f"Statistics: {name} must be at least 1. Received: {number}")
        if every_epochs is None and every_batches is None:
            raise ValueError("Statistics: pass every_epochs or every_batches.")
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
            # On the instance: if the class had this method, each step would always be a dispatch.
            self.on_train_batch_end = self._after_batch  # type: ignore[method-assign]

    def on_train_begin(self, logs: Logs = None) -> None:
        """Opens the file."""
        self._recorded = None
        if self.log_dir is not None:
            self._writer = EventWriter(self.log_dir, ".statistics")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Records after every `every_epochs` epochs."""
        if self.every_epochs is not None and (epoch + 1) % self.every_epochs == 0:
            self._record(epoch + 1 if self.every_batches is None else self._steps)

    def on_train_end(self, logs: Logs = None) -> None:
        """Closes the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _after_batch(self, batch: int, logs: Logs = None) -> None:
        before, self._steps = self._steps, self._steps + 1
        assert self.every_batches is not None
        if self._steps // self.every_batches > before // self.every_batches:
            self._record(self._steps)

    def _record(self, step: int) -> None:
        if step == self._recorded:  # the last batch of the epoch was recorded already
            return
        self._recorded = step
        table = self.model._statistics_(
            self.x, self.y, self.sample_weight, self.training, self.what
        )
        self.tables.append((step, table))
        if self._writer is not None:
            for row in table:
                _write_row(self._writer, row, step)
            self._writer.flush()


def _write_row(writer: EventWriter, row: Any, step: int) -> None:
    tag = f"{row.kind.replace(' ', '_')}s/{row.path}"
    for name in ("mean", "std", "zeros", "nonfinite"):
        writer.scalar(f"{tag}/{name}", getattr(row, name), step)
    count = int(np.sum(row.counts))
    if count:
        total = row.mean * count
        squares = (row.std**2 + row.mean**2) * count
        writer.counts(tag, row.counts, row.edges, step, total, squares)
