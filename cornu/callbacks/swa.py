"""SWA: stochastic weight averaging."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.batch_norm_statistics import has_batch_norm, update_batch_norm
from cornu.callbacks.shared.learning_rates import optimizers_by_suffix
from cornu.callbacks.shared.trained_model import TrainedModel
from cornu.errors import quantity
from cornu.terminal.console import console
from cornu.types import DTypeLike, Logs, PyTree

__all__ = ["SWA"]


class SWA(Callback):
    """Stochastic weight averaging: sets the weights to their mean over several epochs.

        mean <- mean + (weights - mean) / n,    n = 1, 2, ...

    The mean is updated at the end of every `every` epochs, starting with `start_epoch`, and is
    assigned when training ends. It lies in a flatter region of the loss than the weights of single
    epochs, and often generalizes better. Frozen weights do not change. The moving statistics of
    batch normalization belong to the weights of the last epoch; with `x`, they are recomputed.

    Args:
        start_epoch: the first epoch that is averaged; epochs count from 0.
        every: the number of epochs per update of the mean; with a cyclical learning rate, the
            length of a cycle.
        swa_lr: the learning rate, beginning with `start_epoch`; by default it is not changed.
        x: inputs for batch normalization, preferably the training data: an array, a structure of
            arrays, or an iterable of batches (of inputs, or of tuples that begin with inputs).
        batch_size: the batch size for `x`, if it consists of arrays.
        verbose: 1 to print when the mean is assigned.

    Attributes:
        count: the number of updates of the mean.

    Raises:
        ValueError: `start_epoch` is negative or `every` is not positive.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1, use_bias=False)])
    >>> model.compile(cornu.optimizers.SGD(0.1), "mse")
    >>> x, y = cornu.ops.ones((4, 1)), cornu.ops.zeros((4, 1))
    >>> seen, swa = [], SWA(start_epoch=1)
    >>> watch = cornu.callbacks.LambdaCallback(
    ...     on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0])
    ... )
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[watch, swa])
    >>> swa.count, bool(abs(model.get_weights()[0] - (seen[1] + seen[2]) / 2) < 1e-6)
    (2, True)

    References: Izmailov, Podoprikhin, Garipov, Vetrov and Wilson, 2018, "Averaging Weights Leads
    to Wider Optima and Better Generalization".

    Differences: not in Keras. Validation during `fit` uses the weights of the epoch, not the mean.
        Callbacks later in the list may replace the mean when training ends, such as EarlyStopping
        with `restore_best_weights`.
    """

    def __init__(
        self,
        start_epoch: int,
        every: int = 1,
        swa_lr: float | None = None,
        x: PyTree = None,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> None:
        if start_epoch < 0 or every < 1:
            raise ValueError(
                "SWA: start_epoch must be >= 0, and every must be >= 1. "
                f"Received: start_epoch={start_epoch!r}, every={every!r}"
            )
        self.start_epoch = start_epoch
        self.every = every
        self.swa_lr = swa_lr
        self.x = x
        self.batch_size = batch_size
        self.verbose = verbose
        self._reset()

    def _reset(self) -> None:
        self.count = 0
        self._mean: list[jax.Array] = []

    def on_train_begin(self, logs: Logs = None) -> None:
        """Resets the mean."""
        self._reset()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Sets the learning rate."""
        if self.swa_lr is not None and epoch >= self.start_epoch:
            for optimizer in optimizers_by_suffix(self.model).values():
                optimizer.learning_rate = self.swa_lr

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Updates the mean after every `every` epochs."""
        since = epoch - self.start_epoch + 1
        if since <= 0 or since % self.every:
            return
        values = [variable.value for variable in self.model.trainable_variables]
        self.count += 1
        if self.count == 1:
            # Copies, because the training step donates its buffers; in float32, because sums of
            # bfloat16 or float16 lose precision.
            self._mean = [jnp.array(value, _accumulator_dtype(value.dtype)) for value in values]
        else:
            pairs = zip(self._mean, values, strict=True)
            self._mean = [mean + (value - mean) / self.count for mean, value in pairs]

    def on_train_end(self, logs: Logs = None) -> None:
        """Assigns the mean to the weights, and recomputes batch normalization statistics."""
        if not self.count:
            console.print(
                f"SWA: training ended before {self._first()}, so that there is no mean of weights."
            )
            return
        for variable, mean in zip(self.model.trainable_variables, self._mean, strict=True):
            variable.assign(mean)
        if self.verbose:
            console.print(f"SWA: the weights are the mean over {quantity(self.count, 'epoch')}.")
        if self.x is not None:
            self.update_batch_norm(self.model, self.x, self.batch_size)
        elif has_batch_norm(self.model):
            console.print(
                "SWA: the moving statistics of batch normalization do not fit the averaged "
                "weights. Call swa.update_batch_norm(model, x) with the training inputs, or pass "
                "them as SWA(x=...)."
            )

    def _first(self) -> str:
        return f"the end of epoch {self.start_epoch + self.every}"

    @staticmethod
    def update_batch_norm(model: TrainedModel, x: PyTree, batch_size: int = 32) -> None:
        """Sets the moving statistics of all batch normalization layers to those of a dataset.

        Call it for the averaged weights, with which the statistics of training do not agree.

        Args:
            model: a built model.
            x: inputs: an array, a structure of arrays, or an iterable of batches (of inputs, or of
                tuples that begin with inputs).
            batch_size: the batch size, if `x` consists of arrays.

        Raises:
            ValueError: there are no batches. The statistics do not change then.
        """
        update_batch_norm(model, x, batch_size)

    def get_state(self) -> dict[str, Any]:
        """Returns the mean and the number of its updates."""
        return {"count": self.count, "mean": [np.asarray(mean) for mean in self._mean]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned."""
        self.count = state["count"]
        self._mean = [jnp.asarray(mean) for mean in state["mean"]]


def _accumulator_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    return jnp.promote_types(dtype, "float32")
