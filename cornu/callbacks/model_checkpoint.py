"""ModelCheckpoint: saves the model while it is trained."""

from __future__ import annotations

import os
import warnings
from typing import Any

import numpy as np

from cornu.callbacks.monitor_callback import Monitor
from cornu.terminal.console import console

__all__ = ["ModelCheckpoint"]


class ModelCheckpoint(Monitor):
    """Saves the model, or its weights, after every epoch or every so many steps.

    Args:
        filepath: where to; `{epoch}`, `{batch}` and the names of metrics in it are filled in, as
            in `"{epoch:02d}-{val_loss:.2f}.keras"`. Ends in `.keras` or `.h5`, or, for weights,
            in `.weights.h5`.
        monitor: the metric that decides on the best.
        verbose: 1 to say what is saved.
        save_best_only: whether to save only when the metric is better than ever before.
        save_weights_only: whether to save the weights instead of the model.
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"` asks the metric.
        save_freq: `"epoch"`, or a number of steps. A number makes every step one dispatch.
        initial_value_threshold: a value that must be beaten first.

    Raises:
        ValueError: the ending of `filepath` or `save_freq` is none of those.
        KeyError: `filepath` names a metric that does not exist.

    Example:

    >>> import cornu
    >>> keep = cornu.callbacks.ModelCheckpoint("best.keras", save_best_only=True)

    Differences: `get_state()` keeps `best`, so that a run that goes on in another process does
        not overwrite a better model.
    """

    writes_files = True

    def __init__(
        self,
        filepath: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
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
                f"ModelCheckpoint: save_freq is 'epoch' or a number of steps. "
                f"Received: {save_freq!r}"
            )
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint: filepath must end in {' or '.join(endings)} "
                f"(save_weights_only={save_weights_only}). Received: {self.filepath!r}"
            )

    def batch_hooks(self) -> frozenset[str]:
        """Returns the batch methods that are needed: none when saving follows the epochs."""
        hooks = super().batch_hooks()
        own = type(self).on_train_batch_end is ModelCheckpoint.on_train_batch_end
        return hooks - {"on_train_batch_end"} if own and self.save_freq == "epoch" else hooks

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers the epoch."""
        self._epoch = epoch
        self._last_batch = -1

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts steps, and saves if there were enough."""
        if self.save_freq == "epoch":
            return
        self._steps_since += batch - self._last_batch
        self._last_batch = batch
        if self._steps_since >= int(self.save_freq):
            self._steps_since = 0
            self._save(self._epoch, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs)

    def _save(self, epoch: int, batch: int | None, logs: Any) -> None:
        logs = dict(logs or {})
        if self.save_best_only and not self._is_best(epoch, logs):
            return
        path = self._path(epoch, batch, logs)
        if os.path.isdir(path):
            raise IsADirectoryError(
                f"ModelCheckpoint: {path!r} is a directory. Give the name of a file."
            )
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(epoch, f"saved {path}")

    def _is_best(self, epoch: int, logs: dict[str, Any]) -> bool:
        current = self.value(logs)
        if current is None:
            return True
        if np.ndim(current):
            warnings.warn(
                f"ModelCheckpoint: {self.monitor!r} is an array of shape {np.shape(current)}, "
                "which has no best value. Every model is saved.",
                stacklevel=2,
            )
            return True
        before = "nothing" if self.best is None else f"{self.best:.5f}"
        if not self.improves(current, self.best):
            self._say(epoch, f"{self.monitor} has not become better than {before}")
            return False
        self._say(epoch, f"{self.monitor} has become better: {before} to {current:.5f}")
        self.best = current
        return True

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        known = {**logs, "epoch": epoch + 1}
        if batch is not None:
            known.setdefault("batch", batch + 1)
        try:
            return self.filepath.format(**known)
        except KeyError as error:
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} names {error}, which does not "
                f"exist. Known: {', '.join(known)}."
            ) from error

    def _say(self, epoch: int, what: str) -> None:
        if self.verbose:
            console.say(f"Epoch {epoch + 1}: {what}")

    def get_state(self) -> dict[str, Any]:
        """Returns the best value so far, the position, and the steps since the last saving."""
        return {name: getattr(self, name) for name in _STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        for name in _STATE:
            setattr(self, name, state[name])


_STATE = ("best", "_steps_since", "_epoch", "_last_batch")
