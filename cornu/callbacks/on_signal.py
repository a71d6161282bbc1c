"""OnSignal: saves the model and ends training when the process receives a signal."""

from __future__ import annotations

import os
import signal
import threading
import warnings
from collections.abc import Iterable
from types import FrameType
from typing import Any

from cornu.callbacks.callback import Callback
from cornu.callbacks.shared.model_files import check_model_path, save_model_file
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.process import job
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["OnSignal"]

# Windows has no SIGUSR1.
_SIGNALS = tuple(
    vars(signal)[name] for name in ("SIGTERM", "SIGUSR1") if name in signal.Signals.__members__
)


class OnSignal(Callback):
    """Saves the model and ends training when the process receives a signal.

    Steps that already run on the device are completed, which takes at most half a second or one
    step. Then the model is saved, and training ends as with `model.pause_training()`: with
    `fit(resume=...)`, the same program continues at this step when it is started again; otherwise
    the epoch is validated, and `fit` returns. A signal during validation is handled when validation
    has ended. The earlier signal handlers are restored when `fit` ends.

    Args:
        filepath: the path of the file. It ends in `.keras` to save the model, or in an extension of
            `save_weights` (`.weights.h5`, `.safetensors`, `.npz`) to save only the weights.
        signals: the signals to handle; by default SIGTERM and SIGUSR1, where they exist.
        reraise: whether to raise the signal again at the end of training, with the original
            handler. The callback should then be the last in the list.

    Attributes:
        received: the signal that was received during the last `fit`, or None.

    Raises:
        ValueError: `filepath` has another extension.

    Warns:
        UserWarning: `fit` does not run in the main thread, so that signals cannot be handled.

    Example:

    >>> import sys
    >>> stop = OnSignal("preempted.keras")
    >>> if stop.received:  # after fit
    ...     sys.exit(128 + stop.received)

    Differences: not in Keras.
    """

    look_every = 0.0

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        signals: Iterable[int] = _SIGNALS,
        reraise: bool = False,
    ) -> None:
        self.filepath = check_model_path(filepath, "OnSignal")
        self.signals = tuple(signal.Signals(number) for number in signals)
        self.reraise = reraise
        self.received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {}
        self._saved = False

    def on_train_begin(self, logs: Logs = None) -> None:
        """Installs the signal handlers."""
        self._restore_handlers()
        self.received, self._saved = None, False
        if threading.current_thread() is not threading.main_thread():
            warnings.warn(
                "OnSignal: Python handles signals only in the main thread, and fit runs in another "
                "thread. Signals do not end this training.",
                stacklevel=user_stacklevel(),
            )
            return
        for number in self.signals:
            self._before[number] = signal.signal(number, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        # Nothing else is safe here: the buffers of the weights may be donated to a running step.
        self.received = signal.Signals(number)

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Saves the model if a signal was received."""
        self._save_and_stop()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Saves the model if a signal was received after the last step."""
        self._save_and_stop()

    def _save_and_stop(self) -> None:
        if self._saved:
            return
        # Of several processes, all must save the model together.
        received = int(job.exchange([self.received or 0]).max())
        if not received:
            return
        self.received, self._saved = signal.Signals(received), True
        save_model_file(self.model, self.filepath)
        self.model._pause_training_()
        console.print(
            f"OnSignal: received {self.received.name}. The model was saved to {self.filepath!r}; "
            "training ends here."
        )

    def on_train_end(self, logs: Logs = None) -> None:
        """Restores the earlier signal handlers."""
        self._restore_handlers()
        if self.reraise and self.received is not None:
            signal.raise_signal(self.received)

    def on_train_exception(self, error: BaseException) -> None:
        """Restores the earlier signal handlers."""
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        for number, handler in self._before.items():
            # None: the handler was not installed from Python, and cannot be restored.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._before = {}

    def get_state(self) -> dict[str, Any]:
        """Returns no state: a signal concerns only its process."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores nothing."""
