"""SwapEMAWeights: evaluates and predicts with averaged weights."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from cornu.callbacks.callback import Callback
from cornu.core.state.variable import Variable
from cornu.optimizers import LossScaleOptimizer, MultiOptimizer, Optimizer
from cornu.types import Logs

__all__ = ["SwapEMAWeights"]


class SwapEMAWeights(Callback):
    """Uses the moving averages of the weights during evaluation and prediction.

    The averages are those of an optimizer with `use_ema=True`, also within a MultiOptimizer or a
    LossScaleOptimizer. Afterwards, the trained weights are restored exactly; the averages of the
    optimizer do not change.

    Args:
        swap_on_epoch: whether to use the averages between epochs as well, so that callbacks later
            in the list, such as ModelCheckpoint, save them.

    Raises:
        ValueError: no optimizer of the model has `use_ema=True`.

    Example:

    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile(cornu.optimizers.SGD(0.1, use_ema=True), "mse")
    >>> x, y = cornu.ops.ones((4, 2)), cornu.ops.ones((4, 1))
    >>> history = model.fit(x, y, validation_data=(x, y), callbacks=[SwapEMAWeights()], verbose=0)

    References: Polyak and Juditsky, 1992, "Acceleration of Stochastic Approximation by Averaging".

    Fixes: a model saved during a swap stores the averages as weights and as averages; Keras swaps
    the two, so that it stores the trained weights as averages. Weights are restored after
    `predict`, and after an evaluation that raises an exception, unlike in Keras.
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        self.swap_on_epoch = swap_on_epoch
        # While the averages are in use: the Variables and their trained values.
        self._kept: list[tuple[Variable, jax.Array]] | None = None

    def _use_averages(self) -> None:
        if self._kept is not None:
            return
        optimizer = self.model.optimizer
        if not any(single.use_ema for single in _find_single_optimizers(optimizer)):
            raise ValueError(
                "SwapEMAWeights: the optimizer has no moving averages. Create it with "
                f"use_ema=True. Received: {optimizer!r}"
            )
        variables = self.model.trainable_variables
        self._kept = [(variable, variable.value) for variable in variables]
        if optimizer.built and int(optimizer.iterations):  # before, the averages are zero
            optimizer.finalize_variable_values(variables)

    def _restore(self) -> None:
        for variable, value in self._kept or ():
            variable.assign(value)
        self._kept = None

    def on_train_begin(self, logs: Logs = None) -> None:
        """Restores the trained weights, in case that an evaluation raised an exception."""
        self._restore()

    def on_train_end(self, logs: Logs = None) -> None:
        """Keeps the averages, as `fit` does with these optimizers."""
        self._kept = None

    def on_train_exception(self, error: BaseException) -> None:
        """Restores the trained weights."""
        self._restore()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Restores the trained weights."""
        self._restore()

    def on_resume(self, epoch: int, step: int) -> None:
        """Restores the trained weights."""
        self._restore()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Uses the averages if `swap_on_epoch=True`."""
        if self.swap_on_epoch:
            self._use_averages()

    def on_test_begin(self, logs: Logs = None) -> None:
        """Uses the averages."""
        self._use_averages()

    def on_test_end(self, logs: Logs = None) -> None:
        """Restores the trained weights."""
        self._restore()

    def on_predict_begin(self, logs: Logs = None) -> None:
        """Uses the averages."""
        self._use_averages()

    def on_predict_end(self, logs: Logs = None) -> None:
        """Restores the trained weights."""
        self._restore()

    def get_state(self) -> dict[str, Any]:
        """Returns the trained weights while the averages are in use, otherwise None."""
        kept = self._kept
        return {"kept": None if kept is None else [np.asarray(value) for _, value in kept]}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned."""
        kept, variables = state["kept"], self.model.trainable_variables
        values = None if kept is None else [jax.numpy.asarray(value) for value in kept]
        self._kept = None if values is None else list(zip(variables, values, strict=True))


def _find_single_optimizers(optimizer: Any) -> list[Optimizer]:
    """Returns the optimizers that update Variables, without wrappers."""
    if isinstance(optimizer, LossScaleOptimizer):
        return _find_single_optimizers(optimizer.inner_optimizer)
    if isinstance(optimizer, MultiOptimizer):
        return list(optimizer.optimizers)
    return [optimizer]
