"""SWA: the mean of the weights that training passes through."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.batch_norm_statistics import has_batch_norm, update_batch_norm
from cornu.callbacks.shared.learning_rates import optimizers_of
from cornu.terminal.console import console

__all__ = ["SWA"]


class SWA(Callback):
    """Stochastic weight averaging: at the end the model gets the mean of its weights.

        mean <- mean + (weights - mean) / n,    n = 1, 2, ...

    at the end of every `every` epochs from `start_epoch` on. The mean lies in a flatter part of
    the loss than the weights themselves, which go around it, and is often better on new data.
    Frozen weights stay as they are. The means and variances of batch normalization belong to the
    weights of the last epoch, so that they are computed anew from data (`x`).

    Args:
        start_epoch: the first epoch that belongs to the mean; epochs count from 0.
        every: how many epochs there are for each time that weights are added to the mean; with
            a learning rate that goes up and down, the length of its cycle.
        swa_lr: the learning rate from `start_epoch` on; by default it is left as it is.
        x: inputs for batch normalization: an array, a structure of arrays, or an iterable of
            batches (of inputs, or of tuples that begin with them). Training data is best.
        batch_size: rows of a batch of `x`, if it is made of arrays.
        verbose: 1 to say what is done.

    Attributes:
        count: how many times weights were added to the mean.

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

    Differences: Keras has none. Metrics of validation are those of the weights before the mean is
        taken. A callback later in the list that changes weights at the end, as EarlyStopping
        with `restore_best_weights`, has the last word.
    """

    def __init__(
        self,
        start_epoch: int,
        every: int = 1,
        swa_lr: float | None = None,
        x: Any = None,
        batch_size: int = 32,
        verbose: int = 0,
    ) -> None:
        if start_epoch < 0 or every < 1:
            raise ValueError(
                "SWA: start_epoch is a number from 0 on, every from 1 on. "
                f"Received: start_epoch={start_epoch!r}, every={every!r}"
            )
        self.start_epoch = start_epoch
        self.every = every
        self.swa_lr = swa_lr
        self.x = x
        self.batch_size = batch_size
        self.verbose = verbose
        self._forget()

    def _forget(self) -> None:
        self.count = 0
        self._mean: list[jax.Array] = []

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins with no mean."""
        self._forget()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Sets the learning rate."""
        if self.swa_lr is not None and epoch >= self.start_epoch:
            for optimizer in optimizers_of(self.model).values():
                optimizer.learning_rate = self.swa_lr

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds the weights to the mean, if it is time."""
        since = epoch - self.start_epoch + 1
        if since <= 0 or since % self.every:
            return
        values = [variable.value for variable in self.model.trainable_variables]
        self.count += 1
        if self.count == 1:
            # Copies: training gives its buffers away. Short types would add up badly.
            self._mean = [jnp.array(value, _long(value.dtype)) for value in values]
        else:
            pairs = zip(self._mean, values, strict=True)
            self._mean = [mean + (value - mean) / self.count for mean, value in pairs]

    def on_train_end(self, logs: Any = None) -> None:
        """Gives the model the mean, and its batch normalizations what belongs to it."""
        if not self.count:
            console.say(f"SWA: training ended before there was a mean (from {self._first()} on).")
            return
        for variable, mean in zip(self.model.trainable_variables, self._mean, strict=True):
            variable.assign(mean)
        if self.verbose:
            console.say(f"SWA: the model has the mean of its weights after {self.count} epochs.")
        if self.x is not None:
            self.update_batch_norm(self.model, self.x, self.batch_size)
        elif has_batch_norm(self.model):
            console.say(
                "SWA: the statistics of batch normalization are those of other weights. Call "
                "swa.update_batch_norm(model, x) with the inputs of training, or give them to "
                "SWA(x=...)."
            )

    def _first(self) -> str:
        return f"the end of epoch {self.start_epoch + self.every}"

    @staticmethod
    def update_batch_norm(model: Any, x: Any, batch_size: int = 32) -> None:
        """Computes the statistics of batch normalization anew; see `update_batch_norm`."""
        update_batch_norm(model, x, batch_size)

    def get_state(self) -> dict[str, Any]:
        """Returns the mean, and of how many times it is one."""
        return {"count": self.count, "mean": [np.asarray(mean) for mean in self._mean]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        self.count = state["count"]
        self._mean = [jnp.asarray(mean) for mean in state["mean"]]


def _long(dtype: Any) -> Any:
    return jnp.promote_types(dtype, "float32")
