"""OrbaxCheckpoint: saves the model in a folder of Orbax, while training goes on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from cornu.callbacks.monitor_callback import Monitor
from cornu.saving.formats.orbax import OrbaxCheckpoints
from cornu.saving.model_files import describe_model
from cornu.saving.storage_keys import collect_weights_by_key
from cornu.terminal.console import console

__all__ = ["OrbaxCheckpoint"]


class OrbaxCheckpoint(Monitor):
    """Saves the model, or its weights, after every epoch or every so many steps, with Orbax.

    Each step is a subfolder of `directory`, which is there as a whole or not at all. The last
    one is read by `cornu.saving.load_model(directory)` and `model.load_weights(directory)`,
    another one by the name of its folder. Needs `pip install 'cornu[ecosystem]'`.

    Args:
        directory: the folder.
        monitor: the metric that decides on the best.
        verbose: 1 to say what is saved.
        save_best_only: whether to save only when the metric is better than ever before.
        mode: whether less (`"min"`) or more (`"max"`) is better; `"auto"` asks the metric.
        save_freq: `"epoch"`, or a number of steps. A number makes every step one dispatch.
        initial_value_threshold: a value that must be beaten first.
        max_to_keep: how many of the last steps are kept; None for all.
        save_on_background: whether files are written while training goes on.
        save_weights_only: whether to save the weights instead of the model.

    Raises:
        ValueError: `save_freq` or `max_to_keep` is none of those.
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

    Differences: one callback serves several `fit`. In a folder that is in use, a new run counts on
        after the steps that are there; Keras, where its numbers are smaller, saves nothing and
        says nothing. `get_state()` keeps `best`. Folders that Keras wrote are not read: there
        weights are kept by names that count up within a process.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
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
        if save_freq != "epoch" and not _is_count(save_freq):
            raise ValueError(
                "OrbaxCheckpoint: save_freq is 'epoch' or a number of steps from 1 on. "
                f"Received: {save_freq!r}"
            )
        if max_to_keep is not None and not _is_count(max_to_keep):
            raise ValueError(
                "OrbaxCheckpoint: max_to_keep is None or a number from 1 on. "
                f"Received: {max_to_keep!r}"
            )
        self._folder: OrbaxCheckpoints | None = None
        self._begin()

    def _begin(self) -> None:
        self._steps = 0  # of training, with those before this run
        self._steps_since = 0  # the last saving
        self._added: int | None = None  # to the numbers of this run, after those of earlier ones

    def batch_hooks(self) -> frozenset[str]:
        """Returns the batch methods that are needed: none when saving follows the epochs."""
        hooks = super().batch_hooks()
        own = type(self).on_train_batch_end is OrbaxCheckpoint.on_train_batch_end
        return hooks - {"on_train_batch_end"} if own and self.save_freq == "epoch" else hooks

    def on_train_begin(self, logs: Any = None) -> None:
        """Opens the folder."""
        self._begin()
        self._steps = int(np.asarray(self.model.optimizer.iterations))
        self._folder = OrbaxCheckpoints(self.directory, self.max_to_keep, self.save_on_background)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Counts steps, and saves if there were enough."""
        if self.save_freq == "epoch":
            return
        self._steps += 1
        self._steps_since += 1
        if self._steps_since >= int(self.save_freq):
            self._steps_since = 0
            self._save(self._steps, f"step {self._steps}", logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Saves."""
        if self.save_freq == "epoch":
            self._save(epoch, f"epoch {epoch + 1}", logs)

    def on_train_end(self, logs: Any = None) -> None:
        """Waits until everything is written."""
        if self._folder is not None:
            folder, self._folder = self._folder, None
            folder.close()

    def on_train_exception(self, error: BaseException) -> None:
        """Waits until everything is written; if that fails too, the error says so."""
        try:
            self.on_train_end()
        except Exception as failure:  # the first error is the one that must be heard
            error.add_note(f"OrbaxCheckpoint: the last checkpoint is not whole. {failure}")

    def wait_until_finished(self) -> None:
        """Waits until everything is written."""
        if self._folder is not None:
            self._folder.wait()

    def _save(self, number: int, when: str, logs: Any) -> None:
        if self._folder is None:
            raise RuntimeError("OrbaxCheckpoint: training has not begun.")
        if self.save_best_only and not self._is_best(when, logs):
            return
        there = self._folder.steps
        if self._added is None:
            self._added = max(0, there[-1] + 1 - number) if there else 0
        step = number + self._added
        if step in there:  # a run that goes on comes again to where it was broken off
            return
        if self.save_weights_only:
            config, kept = None, collect_weights_by_key(self.model)
        else:
            config, kept = describe_model(self.model)
        self._folder.save(step, kept, config)
        self._say(when, f"saved {os.path.join(self.directory, str(step))}")

    def _is_best(self, when: str, logs: Any) -> bool:
        current = self.value(logs)
        if current is None or np.ndim(current) or not self.improves(current, self.best):
            self._say(when, f"{self.monitor} has not become better than {self.best}")
            return False
        self._say(when, f"{self.monitor} has become better: {self.best} to {current:.5f}")
        self.best = current
        return True

    def _say(self, when: str, what: str) -> None:
        if self.verbose:
            console.say(f"{when.capitalize()}: {what}")

    def get_state(self) -> dict[str, Any]:
        """Returns the best value so far, the counts of steps, and where the numbers began."""
        return {name: getattr(self, name) for name in _STATE}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        for name in _STATE:
            setattr(self, name, state[name])


_STATE = ("best", "_steps", "_steps_since", "_added")


def _is_count(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1
