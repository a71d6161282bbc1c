"""OrbaxCheckpoint: saves the model with Orbax, in the background."""

from __future__ import annotations

import os
from typing import Literal

import jax
import numpy as np

from cornu.callbacks.monitor_callback import MonitorCallback, MonitorMode
from cornu.errors import is_positive_integer
from cornu.saving.formats.orbax import OrbaxCheckpoints
from cornu.saving.model_files import describe_model
from cornu.saving.stored_state import state_by_key
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["OrbaxCheckpoint"]


class OrbaxCheckpoint(MonitorCallback):
    """Saves the model or its weights with Orbax, after each epoch or every `save_freq` steps.

    Each checkpoint is a subfolder of `directory` and is written atomically.
    `cornu.saving.load_model(directory)` and `model.load_weights(directory)` read the last one;
    pass the path of a subfolder to read another. Needs `pip install 'cornu[ecosystem]'`.

    Args:
        directory: the folder.
        monitor: the name of the metric in the logs.
        verbose: 1 to print what is saved.
        save_best_only: whether to save only when the metric is better than its best value.
        mode: whether a smaller (`"min"`) or larger (`"max"`) value is better; `"auto"` uses the
            direction of the metric.
        save_freq: `"epoch"` or a number of steps. With a number, each step is a dispatch of its
            own, which is slower.
        initial_value_threshold: an initial best value.
        max_to_keep: the number of checkpoints that are kept; None for all.
        save_on_background: whether files are written in a background thread.
        save_weights_only: whether to save only the weights.

    Raises:
        ValueError: `save_freq` or `max_to_keep` is invalid.
        ImportError: Orbax is not installed.

    Example:

    >>> import cornu, tempfile
    >>> model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> x, y = cornu.ops.ones((4, 2)), cornu.ops.ones((4, 1))
    >>> folder = tempfile.mkdtemp()
    >>> history = model.fit(x, y, epochs=3, verbose=0, callbacks=[OrbaxCheckpoint(folder)])
    >>> same = cornu.saving.load_model(folder)
    >>> bool((same.get_weights()[0] == model.get_weights()[0]).all())
    True

    Differences: folders written by Keras can be read, but Keras refuses those written here, because
    it identifies weights by names that depend on a counter of the process. Pass models to Keras as
    `.keras` files.

    Extensions: one callback can be passed to several calls of `fit`. The state of the callback
    includes `best`.

    Fixes: in a folder with checkpoints, a new run continues their numbers; Keras fails
    on a number that exists, and saves nothing for smaller ones.
    """

    _STATE = ("best", "_steps", "_steps_since", "_added")

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: MonitorMode = "auto",
        save_freq: Literal["epoch"] | int = "epoch",
        initial_value_threshold: float | None = None,
        max_to_keep: int | None = 1,
        save_on_background: bool = True,
        save_weights_only: bool = False,
    ) -> None:
        super().__init__(monitor, mode, best=initial_value_threshold)
        self.directory = os.fspath(directory)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_freq = save_freq
        self.max_to_keep = max_to_keep
        self.save_on_background = save_on_background
        self.save_weights_only = save_weights_only
        if save_freq != "epoch" and not is_positive_integer(save_freq):
            raise ValueError(
                "OrbaxCheckpoint: save_freq must be 'epoch' or a positive integer. "
                f"Received: {save_freq!r}"
            )
        if max_to_keep is not None and not is_positive_integer(max_to_keep):
            raise ValueError(
                "OrbaxCheckpoint: max_to_keep must be None or a positive integer. "
                f"Received: {max_to_keep!r}"
            )
        self._folder: OrbaxCheckpoints | None = None
        self._reset()

    def _reset(self) -> None:
        self._steps = 0  # training steps, including earlier runs
        self._steps_since = 0  # training steps since the last save
        self._added: int | None = None  # offset of this run's numbers in a folder that is in use

    def is_multihost_enabled(self) -> bool:
        """Returns whether several processes train together (`jax.distributed`)."""
        return bool(jax.process_count() > 1)

    def is_primary_host(self) -> bool:
        """Returns whether this is the first or the only process that trains."""
        return bool(jax.process_index() == 0)

    def batch_hooks(self) -> frozenset[str]:
        """Returns the batch methods that are needed: none with `save_freq="epoch"`."""
        hooks = super().batch_hooks()
        own = type(self).on_train_batch_end is OrbaxCheckpoint.on_train_batch_end
        return hooks - {"on_train_batch_end"} if own and self.save_freq == "epoch" else hooks

    def on_train_begin(self, logs: Logs = None) -> None:
        """Opens the folder."""
        self._reset()
        self._steps = int(np.asarray(self.model.optimizer.iterations))
        self._folder = OrbaxCheckpoints(self.directory, self.max_to_keep, self.save_on_background)

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Counts steps, and saves after every `save_freq` steps."""
        if self.save_freq == "epoch":
            return
        self._steps += 1
        self._steps_since += 1
        if self._steps_since >= int(self.save_freq):
            self._steps_since = 0
            self._save(self._steps, f"step {self._steps}", logs)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Saves with `save_freq="epoch"`."""
        if self.save_freq == "epoch":
            self._save(epoch, f"epoch {epoch + 1}", logs)

    def on_train_end(self, logs: Logs = None) -> None:
        """Waits until all files are written."""
        if self._folder is not None:
            folder, self._folder = self._folder, None
            folder.close()

    def on_train_exception(self, error: BaseException) -> None:
        """Waits until all files are written; if that fails, adds a note to the exception."""
        try:
            self.on_train_end()
        except Exception as failure:  # must not hide the first exception
            error.add_note(f"OrbaxCheckpoint: the last checkpoint could not be written. {failure}")

    def wait_until_finished(self) -> None:
        """Waits until all files are written."""
        if self._folder is not None:
            self._folder.wait()

    def _save(self, number: int, when: str, logs: Logs) -> None:
        if self._folder is None:
            raise RuntimeError("OrbaxCheckpoint: cannot save before `on_train_begin` was called.")
        if self.save_best_only and not self._update_best(logs, when.capitalize(), self.verbose):
            return
        existing = self._folder.steps
        if self._added is None:
            self._added = max(0, existing[-1] + 1 - number) if existing else 0
        step = number + self._added
        if step in existing:  # a resumed run repeats the steps after its last state
            return
        if self.save_weights_only:
            config, kept = None, state_by_key(self.model).collect()
        else:
            config, kept = describe_model(self.model)
        self._folder.save(step, kept, config)
        if self.verbose:
            console.print(f"{when.capitalize()}: saved {os.path.join(self.directory, str(step))}")
