"""ModelCheckpoint: saves the model during training."""

from __future__ import annotations

import os
from typing import Any, Literal

import numpy as np

from cornu.callbacks.monitor_callback import MonitorCallback, MonitorMode
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(MonitorCallback):
    """Saves the model or its weights, after each epoch or every `save_freq` steps.

    Args:
        filepath: the path of the file. It may contain `{epoch}`, `{batch}` and names of metrics,
            as in `"{epoch:02d}-{val_loss:.2f}.keras"`. It ends in `.keras` or `.h5`, or for
            weights in `.weights.h5`.
        monitor: the name of the metric in the logs.
        verbose: 1 to print what is saved.
        save_best_only: whether to save only when the metric is better than its best value.
        save_weights_only: whether to save only the weights.
        mode: whether a smaller (`"min"`) or larger (`"max"`) value is better; `"auto"` uses the
            direction of the metric.
        save_freq: `"epoch"` or a number of steps. With a number, each step runs by itself, which
            is slower.
        initial_value_threshold: an initial best value.

    Raises:
        ValueError: `filepath` has another extension, or `save_freq` is invalid.
        KeyError: `filepath` contains the name of an unknown metric.

    Example:

    >>> import cornu
    >>> keep = cornu.callbacks.ModelCheckpoint("best.keras", save_best_only=True)

    Extensions: the state of the callback includes `best`, so that a run that is resumed in
        another process does not overwrite a better model.
    """

    writes_files = True
    _STATE = ("best", "_steps_since", "_epoch", "_last_batch")

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: MonitorMode = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._epoch = 0
        self._last_batch = -1
        self._steps_since = 0
        if save_freq != "epoch" and not isinstance(save_freq, int):
            raise ValueError(
                f"ModelCheckpoint: save_freq must be 'epoch' or a number of steps. "
                f"Received: {save_freq!r}"
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint: filepath must end in {' or '.join(endings)} "
                f"(save_weights_only={save_weights_only}). Received: {self.filepath!r}"
            )

    def batch_hooks(self) -> frozenset[str]:
        """Returns the batch methods that are needed: none with `save_freq="epoch"`."""
        # Without batch methods, `fit` runs many steps in one dispatch.
        hooks = super().batch_hooks()
        own = type(self).on_train_batch_end is ModelCheckpoint.on_train_batch_end
        return hooks - {"on_train_batch_end"} if own and self.save_freq == "epoch" else hooks

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Records the epoch."""
        self._epoch = epoch
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Counts steps, and saves after every `save_freq` steps."""
        if self._counts_to_save_(batch):
            self._save_(self._epoch, batch, logs)

    def _counts_to_save_(self, batch: int) -> bool:
        """Counts steps; returns whether the model is saved after this one."""
        if self.save_freq == "epoch":
            return False
        # With `steps_per_execution`, the method is called once for several steps.
        self._steps_since += batch - self._last_batch
        self._last_batch = batch
        if self._steps_since < int(self.save_freq):
            return False
        self._steps_since = 0
        return True

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Saves with `save_freq="epoch"`."""
        if self.save_freq == "epoch":
            self._save_(epoch, None, logs)

    def _save_(self, epoch: int, batch: int | None, logs: Logs) -> None:
        logs = dict(logs or {})
        if self.save_best_only and not self._is_best(epoch, logs):
            return
        path = self._path_(epoch, batch, logs)
        if os.path.isdir(path):
            raise IsADirectoryError(
                f"ModelCheckpoint: {path!r} is a directory. Pass the path of a file."
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        if self.verbose:
            console.print(f"Epoch {epoch + 1}: saved {path}")

    def _is_best(self, epoch: int, logs: dict[str, Any]) -> bool:
        # A metric that cannot be compared must not lead to a run without any checkpoint.
        if self.monitor not in logs:
            self.get_monitor_value(logs)  # warns
            return True
        shape = np.shape(logs[self.monitor])
        if shape:
            self._warn_(
                f"ModelCheckpoint: the metric {self.monitor!r} is an array of shape {shape}; "
                "save_best_only needs a scalar. The model is saved after every epoch."
            )
            return True
        return self._update_best(logs, f"Epoch {epoch + 1}", self.verbose)

    def _path_(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        # File names count epochs and batches from 1, as in Keras.
        known = {**logs, "epoch": epoch + 1}
        if batch is not None:
            known.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**known)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} contains {error}, which is not in "
                f"the logs. Available: {', '.join(known)}."
            ) from error
