"""TerminateOnNaN: ends training that has failed."""

from __future__ import annotations

import math
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.terminal.console import console

__all__ = ["TerminateOnNaN"]

_MORE = "fit(..., debug_nans=True) stops at the step where it begins, and names the layer."


class TerminateOnNaN(Callback):
    """Ends training when the loss is NaN or infinite, and says when that was.

    Where it began is found by `fit(..., debug_nans=True)`.

    Args:
        raise_error: whether to raise an error instead of ending in order.

    Raises:
        RuntimeError: the loss is not finite, with `raise_error=True`.

    Differences: Keras looks after every step. Here the loss, a mean over the epoch so far that
        stays NaN once it is, is looked at twice a second and at the end of the epoch, so that
        training is as fast as without.
    """

    look_every = 0.5

    def __init__(self, raise_error: bool = False) -> None:
        self.raise_error = raise_error
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers the epoch."""
        self._epoch = epoch

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Looks at the loss so far."""
        self._look(logs, f"at step {step} of epoch {self._epoch + 1}")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks at the loss of the epoch."""
        self._look(logs, f"at the end of epoch {epoch + 1}")

    def _look(self, logs: Any, when: str) -> None:
        loss = (logs or {}).get("loss")
        if loss is None or math.isfinite(loss) or self.model.stop_training:
            return
        message = f"TerminateOnNaN: the loss is {float(loss)} {when}."
        if self.raise_error:
            raise RuntimeError(
                f"{message}\nTry a smaller learning rate, or clip the gradients.\n{_MORE}"
            )
        console.say(f"{message} Training ends here. {_MORE}")
        self.model.stop_training = True
