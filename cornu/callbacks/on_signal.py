"""OnSignal: saves the model and ends training when the process is asked to end."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterable
from types import FrameType
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.model_files import check_ending, save
from cornu.terminal.console import console

__all__ = ["OnSignal"]

# Where the system has them.
_SIGNALS = tuple(
    vars(signal)[name] for name in ("SIGTERM", "SIGUSR1") if name in signal.Signals.__members__
)


class OnSignal(Callback):
    """Saves the model and ends training in order when the process gets a signal.

    The steps that run on the device when it comes are finished, which takes at most half a
    second (or one step, if that is longer). Then the model is saved, and training ends as by
    `model.pause_training()`: with `fit(resume=...)` the same program goes on from this very step
    when it is started again; without, the epoch is validated, and training is over. A signal that
    comes during validation is heard when that has ended. `fit` returns, and how the process ends
    is up to the program. What a signal did before is put back when `fit` is left.

    Args:
        filepath: where to. Ends in `.keras` for the model, or as `save_weights` takes it
            (`.weights.h5`, `.safetensors`, `.npz`) for the weights alone.
        signals: those that are heard; of SIGTERM and SIGUSR1 those that the system has.
        reraise: whether the signal is sent to the process again at the end of training, and
            does what it would have done. Such a callback stands last in the list.

    Attributes:
        received: the signal that came in the last `fit`, or None.

    Raises:
        ValueError: another ending of `filepath`.

    Warns:
        UserWarning: `fit` runs in another thread than the main one, where signals cannot be heard.

    Example:

    >>> import sys
    >>> stop = OnSignal("preempted.keras")
    >>> if stop.received:  # after fit
    ...     sys.exit(128 + stop.received)

    Differences: Keras has none.
    """

    look_every = 0.0

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        signals: Iterable[int] = _SIGNALS,
        reraise: bool = False,
    ) -> None:
        self.filepath = check_ending(filepath, "OnSignal")
        self.signals = tuple(signal.Signals(number) for number in signals)
        self.reraise = reraise
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._saved = False

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins to hear the signals."""
        self._put_back()
        self.received, self._saved = None, False
        if threading.current_thread() is not threading.main_thread():
            warnings.warn(
                "OnSignal: signals are heard in the main thread alone, and fit runs in another. "
                "Training goes on without.",
                stacklevel=2,
            )
            return
        for number in self.signals:
            self._before[number] = signal.signal(number, self._hear)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        # No more than this: a step may be on its way, and its weights with it.
        self.received = signal.Signals(number)

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Saves the model if there was a signal."""
        self._obey()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves the model if there was a signal since the last step."""
        self._obey()

    def _obey(self) -> None:
        if self.received is None or self._saved:
            return
        self._saved = True
        save(self.model, self.filepath)
        self.model.pause_training()
        console.say(
            f"OnSignal: {self.received.name} came. The model was saved to {self.filepath!r}; "
            "training ends here."
        )

    def on_train_end(self, logs: Any = None) -> None:
        """Puts back what the signals did before."""
        self._put_back()
        if self.reraise and self.received is not None:
            signal.raise_signal(self.received)

    def on_train_exception(self, error: BaseException) -> None:
        """Puts back what the signals did before."""
        self._put_back()

    def _put_back(self) -> None:
        for number, handler in self._before.items():
            # None stands for a handler that was not set from Python.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def get_state(self) -> dict[str, Any]:
        """Returns nothing: a signal belongs to its process."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up nothing."""
