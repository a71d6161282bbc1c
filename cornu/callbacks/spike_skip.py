"""SpikeSkip: skips the update for batches with a loss spike."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from cornu.callbacks.callback import Callback, Step
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.errors import is_positive_integer
from cornu.process import job
from cornu.saving.atomic_write import atomic_write
from cornu.terminal.console import console
from cornu.types import Logs

__all__ = ["Skipped", "SpikeSkip"]

_LOG_SIZE = 1024  # skipped batches recorded on the device between two reads


class Skipped(NamedTuple):
    """A batch that was skipped.

    Attributes:
        step: the training step, counted from 0 over the whole run.
        epoch: the epoch, counted from 0.
        batch: the step within the epoch, counted from 0.
        loss: the loss of the batch.
    """

    step: int
    epoch: int
    batch: int
    loss: float


class SpikeSkip(Callback):
    """Skips batches with a loss spike or a non-finite loss.

    A batch is skipped if its loss, or a weight after its step, is not finite, or if

    loss > mean + factor * deviation

    where `mean` and `deviation` are the mean and the standard deviation of the last `window` losses
    of batches that were not skipped. Weights, optimizer, metrics and all other Variables then keep
    their values from before the step. The decision is part of the compiled step, so that training
    does not become slower.

    Args:
        factor: the number of standard deviations by which a loss may exceed the mean.
        window: the number of losses of which mean and deviation are computed.
        warmup: the number of losses before spikes are detected; by default half of `window`.
            Non-finite losses are skipped from the first step.
        patience: the maximum number of consecutive batches that are skipped. The next finite loss
            is then accepted, and the statistics restart with it; if the losses remain non-finite,
            training ends.
        path: the path of a JSON file with the list of skipped batches.
        verbose: 1 to print skipped batches.

    Attributes:
        skipped: a list of `Skipped(step, epoch, batch, loss)`, updated at the end of each epoch
            and about twice a second within an epoch.
        lost: the number of skipped batches that are missing in the list, because more than 1024
            were skipped between two updates.

    Raises:
        ValueError: an argument is out of range; when the step is compiled, if it returns no loss.

    References: Aakanksha Chowdhery et al. (2023), "PaLM: Scaling language modeling with pathways",
        section 5.1, where training was restarted before each spike without its batches.

    Differences: not in Keras. With a custom `train_step`, the loss of the batch is `logs["loss"]`.

    Example:

    >>> import cornu, numpy as np
    >>> x, y = np.ones((32, 1), "float32"), np.zeros((32, 1), "float32")
    >>> y[20] = 1e30  # its square is infinite
    >>> model = cornu.Sequential([cornu.Input((1,)), cornu.layers.Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> skip = SpikeSkip()
    >>> fit = dict(batch_size=4, shuffle=False, verbose=0)
    >>> history = model.fit(x, y, epochs=2, callbacks=[skip], **fit)
    >>> skip.skipped
    [Skipped(step=5, epoch=0, batch=5, loss=inf), Skipped(step=13, epoch=1, batch=5, loss=inf)]
    """

    look_every = 0.5

    def __init__(
        self,
        factor: float = 6.0,
        window: int = 128,
        warmup: int | None = None,
        patience: int = 10,
        path: str | os.PathLike[str] | None = None,
        verbose: int = 0,
    ) -> None:
        for name, value, least in (("window", window, 2), ("patience", patience, 1)):
            if not is_positive_integer(value) or value < least:
                raise ValueError(
                    f"SpikeSkip: {name} must be an integer >= {least}. Received: {value!r}"
                )
        if not factor > 0:
            raise ValueError(f"SpikeSkip: factor must be positive. Received: {factor!r}")
        self.factor = factor
        self.window = window
        self.warmup = max(2, window // 2) if warmup is None else warmup
        self.patience = patience
        self.path = None if path is None else Path(path)
        self.writes_files = path is not None
        self.verbose = verbose
        if not 2 <= self.warmup <= window:
            raise ValueError(
                f"SpikeSkip: warmup must be between 2 and window ({window}). "
                f"Received: {self.warmup!r}"
            )
        self._number = _make_variable("number", (), "int32")  # of steps so far
        self._recent = _make_variable("recent", (window,), "float32")
        self._taken = _make_variable("taken", (), "int32")  # losses since the statistics started
        self._in_a_row = _make_variable("in_a_row", (), "int32")
        self._count = _make_variable("count", (), "int32")
        self._steps = _make_variable("steps", (_LOG_SIZE,), "int32")
        self._losses = _make_variable("losses", (_LOG_SIZE,), "float32")
        self.variables = [
            *(self._number, self._recent, self._taken, self._in_a_row),
            *(self._count, self._steps, self._losses),
        ]
        self._reset()

    def _reset(self) -> None:
        self.skipped: list[Skipped] = []
        self.lost = 0
        self._known = 0  # number of skipped batches that were read from the device
        self._epoch, self._first = 0, 0
        for variable in self.variables:
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    # ------------------------------------------------------------------------------- in the step

    def around_step(self, step: Step) -> Step:
        """Wraps the step so that its assignments take effect only without a spike."""

        def run(batch: Any) -> Any:
            current = scope.current()
            before = [(variable, current.read(variable)) for variable in self._find_variables()]
            with _capture_losses(self.model) as losses:
                logs = step(batch)
            loss = jnp.asarray(_choose_loss(losses, logs), "float32")
            changed = [(v, old, current.read(v)) for v, old in before]
            changed = [(v, old, new) for v, old, new in changed if new is not old]
            # Metrics and slots of the optimizer may be infinite by design: only weights count.
            weights = {id(v) for v in self.model.variables}
            finite = jnp.isfinite(loss)
            for variable, _, new in changed:
                if id(variable) in weights and jnp.issubdtype(new.dtype, jnp.inexact):
                    finite &= jnp.isfinite(new).all()
            accepted = self._update_statistics(loss, finite)
            for variable, old, new in changed:
                current.write(variable, jnp.where(accepted, new, old))
            return logs

        return run

    def _find_variables(self) -> list[Variable]:
        model = self.model
        found = [*model._all_variables_, *model.optimizer.variables]
        return list({id(variable): variable for variable in found}.values())

    def _update_statistics(self, loss: jax.Array, finite: jax.Array) -> jax.Array:
        """Returns whether a step is accepted, and records its loss."""
        recent, taken = self._recent.value, self._taken.value
        in_a_row, count = self._in_a_row.value, self._count.value
        held = jnp.arange(self.window) < taken
        size = jnp.clip(taken, 1, self.window)
        mean = jnp.where(held, recent, 0).sum() / size
        deviation = jnp.sqrt(jnp.where(held, jnp.square(recent - mean), 0).sum() / size)
        spike = (taken >= self.warmup) & (loss > mean + self.factor * deviation)
        restart = finite & spike & (in_a_row >= self.patience)
        accepted = finite & (~spike | restart)
        first = jnp.where(restart, 0, taken)
        self._recent.assign(jnp.where(accepted, recent.at[first % self.window].set(loss), recent))
        # The counter must not overflow: once the window is full, only its position matters.
        after = jnp.where(first + 1 >= 2 * self.window, self.window, first + 1)
        self._taken.assign(jnp.where(accepted, after, taken))
        self._in_a_row.assign(jnp.where(accepted, 0, in_a_row + 1))
        index = count % _LOG_SIZE
        for log, value in ((self._steps, self._number.value), (self._losses, loss)):
            log.assign(jnp.where(accepted, log.value, log.value.at[index].set(value)))
        self._count.assign(jnp.where(accepted, count, count + 1))
        self._number.assign_add(1)
        return accepted

    # ------------------------------------------------------------------------ between dispatches

    def on_train_begin(self, logs: Logs = None) -> None:
        """Resets the statistics and the list."""
        self._reset()

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Records the epoch and its first step."""
        self._epoch, self._first = epoch, int(self._number.numpy())

    def on_progress(self, step: int, steps: int | None, logs: Logs = None) -> None:
        """Updates the list of skipped batches."""
        self._read_log()

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Updates the list of skipped batches."""
        self._read_log()

    def on_train_end(self, logs: Logs = None) -> None:
        """Writes the file, even if no batch was skipped."""
        self._write()

    def _read_log(self) -> None:
        count = int(self._count.numpy())
        if count == self._known:
            return
        first = max(self._known, count - _LOG_SIZE)
        self.lost += first - self._known
        steps, losses = self._steps.numpy(), self._losses.numpy()
        for number in range(first, count):
            step, loss = int(steps[number % _LOG_SIZE]), float(losses[number % _LOG_SIZE])
            self.skipped.append(Skipped(step, self._epoch, step - self._first, loss))
            if self.verbose:
                console.print(
                    f"Epoch {self._epoch + 1}: SpikeSkip skipped step {step - self._first + 1} "
                    f"with loss {loss:.6g}"
                )
        self._known = count
        self._write()
        in_a_row = int(self._in_a_row.numpy())
        if in_a_row > self.patience and not self.model.stop_training:
            console.print(
                f"SpikeSkip: the last {in_a_row} batches were all skipped, because the loss or the "
                "weights after the step were not finite. Training ends here. "
                "fit(..., debug_nans=True) stops at the first such step, and names the layer."
            )
            self.model.stop_training = True

    def _write(self) -> None:
        if self.path is None or not job.is_first():
            return
        rows = [
            {**one._asdict(), "loss": one.loss if math.isfinite(one.loss) else str(one.loss)}
            for one in self.skipped
        ]
        with atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps({"skipped": rows, "lost": self.lost}, indent=1))

    def get_state(self) -> dict[str, Any]:
        """Returns the list of skipped batches, and the losses in the window."""
        return {
            "skipped": [tuple(one) for one in self.skipped],
            "lost": self.lost,
            "known": self._known,
            "epoch": self._epoch,
            "first": self._first,
            "variables": [np.asarray(variable) for variable in self.variables],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restores what `get_state()` returned."""
        self.skipped = [Skipped(*one) for one in state["skipped"]]
        self.lost, self._known = state["lost"], state["known"]
        self._epoch, self._first = state["epoch"], state["first"]
        for variable, value in zip(self.variables, state["variables"], strict=True):
            variable.assign(value)


def _make_variable(name: str, shape: tuple[int, ...], dtype: str) -> Variable:
    return Variable(np.zeros(shape, dtype), dtype=dtype, trainable=False, name=name, role="state")


@contextlib.contextmanager
def _capture_losses(model: Any) -> Iterator[list[Any]]:
    """Yields a list to which the losses of batches are appended while a step is traced."""
    # The loss metric receives the unreduced loss of the batch; the logs have only its mean.
    trackers = [metric for metric in model.metrics if metric.name == "loss"][:1]
    losses: list[Any] = []
    for tracker in trackers:
        update = tracker.update_state

        def record(loss: Any, *rest: Any, update: Any = update, **kwargs: Any) -> Any:
            losses.append(loss)
            return update(loss, *rest, **kwargs)

        vars(tracker)["update_state"] = record  # on the instance: hides the method of the class
    try:
        yield losses
    finally:
        for tracker in trackers:
            del vars(tracker)["update_state"]


def _choose_loss(losses: list[Any], logs: Logs) -> Any:
    if losses:
        return losses[-1]
    if isinstance(logs, dict) and "loss" in logs:
        return logs["loss"]
    raise ValueError(
        "SpikeSkip: the training step returns no loss. Return it from `train_step`: "
        'return {"loss": loss}.'
    )
