"""Callbacks with the signatures and the behavior of Keras 2."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from cornu import callbacks, utils
from cornu.dialects.batch_logs import RunCallback
from cornu.dialects.keras1.callbacks import Keras1LearningRateScheduler, PeriodicModelCheckpoint
from cornu.dialects.keras2.implementation.version import Version
from cornu.legacy.keras1.class_mapping import (
    Arguments,
    BaseClassMeta,
    ClassMapping,
    Era,
    OldClass,
)

__all__ = ["make_callbacks"]

_MONITOR = "monitor='val_loss', "


class TensorFlowCallback(callbacks.Callback, metaclass=BaseClassMeta):
    """The base class of custom callbacks."""

    stands_for: ClassVar[type] = callbacks.Callback
    validation_data: Any = None


class Callback(RunCallback):
    """The base class of custom callbacks of Keras 2.2, whose batch logs are those of the batch."""

    stands_for: ClassVar[type] = callbacks.Callback


class LaterCallback(Callback):
    """The base class of custom callbacks of Keras 2.3: of batch logs, the loss is of the batch."""

    stands_for: ClassVar[type] = callbacks.Callback
    of_batch = frozenset(("loss",))


class CountingModelCheckpoint(PeriodicModelCheckpoint):
    """Saves every `period` epochs; epochs in file names count from 1."""

    def _path_(self, epoch: int, batch: int | None, logs: Arguments) -> str:
        return super()._path_(epoch + 1, batch, logs)


class LoggingReduceLROnPlateau(callbacks.ReduceLROnPlateau):
    """Reduces the learning rate, whose name in the logs is `lr`."""

    def _log_rates(self, logs: dict[str, Any]) -> None:
        logs["lr"] = float(self.model.optimizer.learning_rate.numpy())


class LoggingLearningRateScheduler(Keras1LearningRateScheduler):
    """Sets the learning rate at the beginning of each epoch, and adds it to the logs as `lr`."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Adds the learning rate to the logs."""
        if logs is not None:
            logs["lr"] = float(self.model.optimizer.learning_rate.numpy())


def _resolve_mode(given: Arguments) -> None:
    """Resolves mode "auto" by the name of the metric, as Keras 2 does."""
    if given["mode"] not in ("min", "max"):
        accurate = "acc" in given["monitor"] or given["monitor"].startswith("fmeasure")
        given["mode"] = "max" if accurate else "min"


def _rename_batch_hooks(given: Arguments) -> None:
    for moment in ("begin", "end"):
        given[f"on_train_batch_{moment}"] = given.pop(f"on_batch_{moment}")


def _at_least_one(given: Arguments) -> None:
    # Keras 2 stops after the first bad epoch with patience 0 and 1.
    given["patience"] = max(given["patience"], 1)


def _choose_delta(given: Arguments) -> None:
    epsilon = given.pop("epsilon")
    if epsilon is not None:
        given["min_delta"] = epsilon


def _drop(*names: str) -> Callable[[Arguments], None]:
    """Drops arguments that are not needed today."""

    def convert(given: Arguments) -> None:
        for name in names:
            del given[name]

    return convert


def _convert(mapping: ClassMapping, arguments: Arguments) -> Arguments:
    for convert in mapping.conversions:
        convert(arguments)
    return {mapping.renames.get(name, name): value for name, value in arguments.items()}


_Row = tuple[str, Callable[..., Any], tuple[Callable[[Arguments], None], ...]]
_ROWS: dict[str, _Row] = {
    "BaseLogger": ("stateful_metrics=None", callbacks.Callback, (_drop("stateful_metrics"),)),
    "CSVLogger": ("filename, separator=',', append=False", callbacks.CSVLogger, ()),
    "EarlyStopping": (
        f"{_MONITOR}min_delta=0, patience=0, verbose=0, mode='auto', baseline=None, "
        "restore_best_weights=False",
        callbacks.EarlyStopping,
        (_resolve_mode, _at_least_one),
    ),
    "LambdaCallback": (
        "on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None, "
        "on_train_begin=None, on_train_end=None",
        callbacks.LambdaCallback,
        (_rename_batch_hooks,),
    ),
    "LearningRateScheduler": ("schedule, verbose=0", LoggingLearningRateScheduler, ()),
    "ModelCheckpoint": (
        f"filepath, {_MONITOR}verbose=0, save_best_only=False, save_weights_only=False, "
        "mode='auto', period=1",
        CountingModelCheckpoint,
        (_resolve_mode,),
    ),
    "ProgbarLogger": (
        "count_mode='samples', stateful_metrics=None",
        callbacks.ProgbarLogger,
        (_drop("count_mode", "stateful_metrics"),),
    ),
    "ReduceLROnPlateau": (
        f"{_MONITOR}factor=0.1, patience=10, verbose=0, mode='auto', min_delta=0.0001, "
        "cooldown=0, min_lr=0, epsilon=None",
        LoggingReduceLROnPlateau,
        (_resolve_mode, _choose_delta),
    ),
    "RemoteMonitor": (
        "root='http://localhost:9000', path='/publish/epoch/end/', field='data', headers=None, "
        "send_as_json=False",
        callbacks.RemoteMonitor,
        (),
    ),
    "TensorBoard": (
        "log_dir='./logs', histogram_freq=0, batch_size=32, write_graph=True, write_grads=False, "
        "write_images=False, embeddings_freq=0, embeddings_layer_names=None, "
        "embeddings_metadata=None, embeddings_data=None, update_freq='epoch'",
        callbacks.TensorBoard,
        (_drop("batch_size", "write_grads", "embeddings_layer_names", "embeddings_data"),),
    ),
    "TerminateOnNaN": ("", callbacks.TerminateOnNaN, ()),
}


def _make_checkpoint(period: int = 1, save_freq: Any = "epoch", **options: Any) -> Any:
    """Returns the ModelCheckpoint of tf.keras, which accepted `period` until its end."""
    if save_freq != "epoch":
        return callbacks.ModelCheckpoint(save_freq=save_freq, **options)
    return CountingModelCheckpoint(period=period, **options)


# Those of tf.keras, with keyword arguments of its first versions.
_ROWS_OF_TENSORFLOW: dict[str, tuple[str, str, _Row]] = {
    "EarlyStopping": (
        f"{_ROWS['EarlyStopping'][0]}, start_from_epoch=0",
        "",
        _ROWS["EarlyStopping"],
    ),
    "LearningRateScheduler": ("schedule, verbose=0", "", _ROWS["LearningRateScheduler"]),
    "ModelCheckpoint": (
        f"filepath, {_MONITOR}verbose=0, save_best_only=False, save_weights_only=False, "
        "mode='auto', save_freq='epoch', options=None, initial_value_threshold=None",
        "period=1, load_weights_on_restart=False",
        ("", _make_checkpoint, (_resolve_mode, _drop("options", "load_weights_on_restart"))),
    ),
    "ReduceLROnPlateau": (
        f"{_MONITOR}factor=0.1, patience=10, verbose=0, mode='auto', min_delta=0.0001, "
        "cooldown=0, min_lr=0",
        "epsilon=None",
        _ROWS["ReduceLROnPlateau"],
    ),
}
# Names that tf.keras has in its own form, which is that of today.
_TENSORFLOW = (
    *("BackupAndRestore", "CSVLogger", "CallbackList", "LambdaCallback", "ProgbarLogger"),
    *("RemoteMonitor", "TensorBoard", "TerminateOnNaN", "History"),
)


def make_callbacks(version: Version) -> dict[str, Any]:
    """Returns the callbacks of a version by name."""
    base: type = Callback if version.renames_accuracy else LaterCallback
    if version.source.is_tensorflow:
        base = TensorFlowCallback
    era = Era(version.name, _convert, version.automatic_name)
    common = {"Callback": base, "History": callbacks.History}
    if version.source.is_tensorflow:
        today = {name: getattr(callbacks, name) for name in _TENSORFLOW}
        old = {
            name: OldClass(
                ClassMapping(
                    *(name, signature, row[1]),
                    conversions=row[2],
                    keywords=keywords,
                    instance_types=(getattr(callbacks, name),),
                    era=era,
                )
            )
            for name, (signature, keywords, row) in _ROWS_OF_TENSORFLOW.items()
        }
        return common | today | old
    made = {
        name: OldClass(
            ClassMapping(name, signature, target, conversions=rules, keywords="", era=era)
        )
        for name, (signature, target, rules) in _ROWS.items()
    }
    return {
        **common,
        **made,
        "CallbackList": callbacks.CallbackList,
        "Progbar": utils.Progbar,
    }
