"""SwapEMAWeights: the averaged weights are used wherever the model is judged."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from cornu.callbacks.callback import Callback
from cornu.core.state.variable import Variable
from cornu.optimizers import LossScaleOptimizer, MultiOptimizer, Optimizer

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Gives the model the averages that its optimizer keeps while it is evaluated or predicts.

    For optimizers with `use_ema=True`, alone, in a MultiOptimizer or in a LossScaleOptimizer.
    Afterwards the model gets the weights back that it is trained with, bit by bit; the averages
    stay where they are.

    Args:
        swap_on_epoch: whether the model has the averages from the end of an epoch to the begin of
            the next as well, for callbacks that come later in the list, such as ModelCheckpoint.

    Raises:
        ValueError: no optimizer of the model keeps averages.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile(cornu.optimizers.SGD(0.1, use_ema=True), "mse")
    >>> x, y = cornu.ops.ones((4, 2)), cornu.ops.ones((4, 1))
    >>> history = model.fit(x, y, validation_data=(x, y), callbacks=[SwapEMAWeights()], verbose=0)

    References: Polyak and Juditsky, 1992, "Acceleration of Stochastic Approximation by Averaging".

    Differences: Keras exchanges the values of weights and averages, so that a model saved meanwhile
        has the weights of training as averages; it leaves the averages in the model after
        `predict`, and after an evaluation that fails.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        # While the model has the averages: its Variables, and what they had before.
        self._kept: list[tuple[Variable, jax.Array]] | None = None

    def _put_averages(self) -> None:
        if self._kept is not None:
            return
        optimizer = self.model.optimizer
        if not any(single.use_ema for single in _singles(optimizer)):
            raise ValueError(
                "SwapEMAWeights: no optimizer of the model keeps averages. Make it with "
                f"use_ema=True. Received: {optimizer!r}"
            )
        variables = self.model.trainable_variables
        self._kept = [(variable, variable.value) for variable in variables]
        if optimizer.built and int(optimizer.iterations):  # before the first step they are zeros
            optimizer.finalize_variable_values(variables)

    def _put_back(self) -> None:
        for variable, value in self._kept or ():
            variable.assign(value)
        self._kept = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Gives back what an evaluation that failed has left."""
        self._put_back()

    def on_train_end(self, logs: Any = None) -> None:
        """Leaves the averages in the model, as `fit` does with such optimizers."""
        self._kept = None

    def on_train_exception(self, error: BaseException) -> None:
        """Gives the weights of training back."""
        self._put_back()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Gives the weights of training back."""
        self._put_back()

    def on_resume(self, epoch: int, step: int) -> None:
        """Gives the weights of training back."""
        self._put_back()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Gives the model the averages, with `swap_on_epoch`."""
        if self.swap_on_epoch:
            self._put_averages()

    def on_test_begin(self, logs: Any = None) -> None:
        """Gives the model the averages."""
        self._put_averages()

    def on_test_end(self, logs: Any = None) -> None:
        """Gives the weights of training back."""
        self._put_back()

    def on_predict_begin(self, logs: Any = None) -> None:
        """Gives the model the averages."""
        self._put_averages()

    def on_predict_end(self, logs: Any = None) -> None:
        """Gives the weights of training back."""
        self._put_back()

    def get_state(self) -> dict[str, Any]:
        """Returns the weights of training while the model has the averages, else None."""
        kept = self._kept
        return {"kept": None if kept is None else [np.asarray(value) for _, value in kept]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        kept, variables = state["kept"], self.model.trainable_variables
        values = None if kept is None else [jax.numpy.asarray(value) for value in kept]
        self._kept = None if values is None else list(zip(variables, values, strict=True))


def _singles(optimizer: Any) -> list[Optimizer]:
    """Returns the optimizers that change Variables themselves."""
    if isinstance(optimizer, LossScaleOptimizer):
        return _singles(optimizer.inner_optimizer)
    if isinstance(optimizer, MultiOptimizer):
        return list(optimizer.optimizers)
    return [optimizer]
