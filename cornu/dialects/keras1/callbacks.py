"""Callbacks with the signatures and the behavior of Keras 1."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any, ClassVar
from urllib import parse, request

from cornu import callbacks
from cornu.core.tracebacks.user_frames import user_stacklevel
from cornu.dialects.batch_logs import RunCallback
from cornu.legacy.keras1.class_mapping import ClassMapping, OldClass

__all__ = [
    "BaseLogger",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "RemoteMonitor",
    "TensorBoard",
]

Arguments = dict[str, Any]
History = callbacks.History


class Callback(RunCallback):
    """The base class of custom callbacks; `params` also contains `nb_epoch`."""

    stands_for: ClassVar[type] = callbacks.Callback

    def set_params(self, params: Arguments) -> None:
        """Sets the parameters of the run."""
        super().set_params({**params, "nb_epoch": params.get("epochs")})


class BaseLogger(Callback):
    """Does nothing: the metrics of an epoch are averaged in any case."""


class ProgbarLogger(callbacks.ProgbarLogger):
    """Prints metrics; models with `verbose=1` do so without it."""


class CallbackList(callbacks.CallbackList):
    """Calls the methods of several callbacks.

    Args:
        callbacks: the callbacks.
        queue_length: ignored.
    """

    def __init__(self, callbacks: Any = None, queue_length: int = 10) -> None:
        super().__init__(list(callbacks or []))


class RemoteMonitor(Callback):
    """Sends the metrics of each epoch to a server, as a form with one field of JSON.

    Args:
        root: the address of the server.
        path: the path.
        field: the name of the field.
        headers: further headers of the requests.
    """

    def __init__(
        self,
        root: str = "http://localhost:9000",
        path: str = "/publish/epoch/end/",
        field: str = "data",
        headers: Any = None,
    ) -> None:
        super().__init__()
        self.root = root
        self.path = path
        self.field = field
        self.headers = headers or {"Accept": "application/json"}

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Sends the metrics; warns if the server cannot be reached."""
        sent = {"epoch": epoch, **{name: float(value) for name, value in (logs or {}).items()}}
        form = parse.urlencode({self.field: json.dumps(sent)}).encode()
        try:
            with request.urlopen(
                request.Request(self.root + self.path, form, dict(self.headers)), timeout=10
            ):
                pass
        except OSError:
            warnings.warn(
                f"RemoteMonitor: the server at {self.root} could not be reached.",
                stacklevel=user_stacklevel(),
            )


class PeriodicModelCheckpoint(callbacks.ModelCheckpoint):
    """Saves every `period` epochs; epochs in file names count from 0, files may end in .hdf5."""

    def __init__(self, filepath: str, period: int, save_weights_only: bool, **kwargs: Any) -> None:
        # The base class refuses the file names of Keras 1.
        accepted = "any.weights.h5" if save_weights_only else "any.keras"
        super().__init__(accepted, save_weights_only=save_weights_only, **kwargs)
        self.filepath = filepath
        self.period = period
        self._since = 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves the model if `period` epochs have passed."""
        self._since += 1
        if self._since >= self.period:
            self._since = 0
            super().on_epoch_end(epoch, logs)

    def _path_(self, epoch: int, batch: int | None, logs: Arguments) -> str:
        return super()._path_(epoch - 1, batch, logs)


class Keras1ReduceLROnPlateau(callbacks.ReduceLROnPlateau):
    """Reduces the rate after `patience + 1` epochs without improvement, then each `patience`."""

    def _log_rates(self, logs: dict[str, Any]) -> None:
        logs["lr"] = float(self.model.optimizer.lr.numpy())

    def _wait(self, epoch: int) -> None:
        # Keras 1 compares before it counts.
        self._reduce_if_due(epoch)
        self.wait += 1


class Keras1LearningRateScheduler(callbacks.LearningRateScheduler):
    """Sets the learning rate at the beginning of each epoch; adds nothing to the logs."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Does nothing."""


def _resolve_mode(given: Arguments) -> None:
    """Resolves mode "auto" by the name of the metric, as Keras 1 does."""
    if given["mode"] not in ("min", "max"):
        accurate = "acc" in given["monitor"] or given["monitor"].startswith("fmeasure")
        given["mode"] = "max" if accurate else "min"


def _increment_patience(given: Arguments) -> None:
    # Keras 1 compares before it counts.
    given["patience"] += 1


def _convert_schedule(given: Arguments) -> None:
    schedule: Callable[[int], float] = given["schedule"]
    # With one parameter: a function with two would also receive the learning rate.
    given["schedule"] = lambda epoch: float(schedule(epoch))


def _rename_batch_hooks(given: Arguments) -> None:
    for moment in ("begin", "end"):
        given[f"on_train_batch_{moment}"] = given.pop(f"on_batch_{moment}")


_MONITOR = "monitor='val_loss', "

EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, LearningRateScheduler, CSVLogger = map(
    OldClass,
    (
        ClassMapping(
            "EarlyStopping",
            f"{_MONITOR}min_delta=0, patience=0, verbose=0, mode='auto'",
            callbacks.EarlyStopping,
            conversions=(_resolve_mode, _increment_patience),
            keywords="",
        ),
        ClassMapping(
            "ModelCheckpoint",
            f"filepath, {_MONITOR}verbose=0, save_best_only=False, save_weights_only=False, "
            "mode='auto', period=1",
            PeriodicModelCheckpoint,
            conversions=(_resolve_mode,),
            keywords="",
        ),
        ClassMapping(
            "ReduceLROnPlateau",
            f"{_MONITOR}factor=0.1, patience=10, verbose=0, mode='auto', epsilon=0.0001, "
            "cooldown=0, min_lr=0",
            Keras1ReduceLROnPlateau,
            {"epsilon": "min_delta"},
            conversions=(_resolve_mode,),
            keywords="",
        ),
        ClassMapping(
            "LearningRateScheduler",
            "schedule",
            Keras1LearningRateScheduler,
            conversions=(_convert_schedule,),
            keywords="",
        ),
        ClassMapping(
            "CSVLogger", "filename, separator=',', append=False", callbacks.CSVLogger, keywords=""
        ),
    ),
)
TensorBoard = OldClass(
    ClassMapping(
        "TensorBoard",
        "log_dir='./logs', histogram_freq=0, write_graph=True, write_images=False",
        callbacks.TensorBoard,
        keywords="",
    )
)
LambdaCallback = OldClass(
    ClassMapping(
        "LambdaCallback",
        "on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None, "
        "on_train_begin=None, on_train_end=None",
        callbacks.LambdaCallback,
        conversions=(_rename_batch_hooks,),
        keywords="",
    )
)
