"""TerminateOnNaN: stops training when the loss is not finite."""

from __future__ import annotations

import math

from cornu.callbacks.callback import Callback
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["TerminateOnNaN"]

_ADVICE = "fit(..., debug_nans=True) stops at the first such step, and names the layer."


class TerminateOnNaN(Callback):
    """Stops training when the loss is NaN or infinite.

    To find the layer where such values first appear, use `fit(..., debug_nans=True)`.

    Args:
        raise_error: whether to raise an exception instead of stopping training.

    Raises:
        RuntimeError: the loss is not finite and `raise_error=True`.

    Example:

    >>> import numpy as np
    >>> import cornu
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", lambda y, p: p * float("nan"))
    >>> x, stop = np.zeros((2, 1)), cornu.callbacks.TerminateOnNaN()
    >>> model.fit(x, x, epochs=9, callbacks=[stop], verbose=0).epoch
    TerminateOnNaN: the loss is nan at step 1 of epoch 1. ...
    [0]

    Differences: Keras checks the loss after each step. Here it is checked twice a second and at the
        end of the epoch, which does not slow down training. The loss is a mean over the epoch so
        far, so that it remains NaN.
    """

    look_every = 0.5

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Records the epoch."""
        self._epoch = epoch

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Checks the loss of the epoch so far."""
        self._check(logs, f"at step {step} of epoch {self._epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Checks the loss of the epoch."""
        self._check(logs, f"at the end of epoch {epoch + 1}")

    def _check(self, logs: Logs, when: str) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss) or self.model.stop_training:
            return
        message = f"TerminateOnNaN: the loss is {float(loss)} {when}."
        if self.raise_error:
            raise RuntimeError(
                f"{message}\nTry a smaller learning rate, or clip the gradients.\n{_ADVICE}"
            )
        console.print(f"{message} Training ends here. {_ADVICE}")
        self.model.stop_training = True
