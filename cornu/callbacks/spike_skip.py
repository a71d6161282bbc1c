"""SpikeSkip: leaves out batches at which the loss jumps."""

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
from cornu.saving.atomic_write import atomic_write
from cornu.terminal.console import console

__all__ = ["Skipped", "SpikeSkip"]

_KEPT = 1024  # on the device, between two looks


class Skipped(NamedTuple):
    """A batch that was left out.

    Attributes:
        step: the training step, counted from 0 over the whole run.
        epoch: the epoch, from 0.
        batch: the step within the epoch, from 0.
        loss: the loss of the batch.
    """

    step: int
    epoch: int
    batch: int
    loss: float


class SpikeSkip(Callback):
    """Leaves out batches at which the loss jumps or is not finite, as if they had not come.

    A batch is left out if its loss, or a weight after its step, is not finite, or if

    loss > mean + factor * deviation

    where mean and standard deviation are those of the last `window` losses that were not left out.
    Weights, optimizer, metrics and all other Variables then keep the values that they had before
    the step. This is decided within the compiled step, so that training is as fast as without.

    Args:
        factor: how many standard deviations a loss may lie above the mean.
        window: over how many losses mean and deviation are taken.
        warmup: after how many losses jumps are looked for; half of `window` by default. What is
            not finite is left out from the first step on.
        patience: how many batches in a row are left out. After that, a loss that is finite is the
            new level, from which all begins again; if none is finite, training ends.
        path: a JSON file for the list of what was left out.
        verbose: 1 to say what was left out.

    Attributes:
        skipped: what was left out: a list of `Skipped(step, epoch, batch, loss)`, up to date when
            an epoch has ended and about twice a second within one.
        lost: how many batches are missing in the list, because too many were left out between two
            looks (more than 1024).

    Raises:
        ValueError: a number is out of range; when the step is compiled, if it gives no loss.

    References: Aakanksha Chowdhery et al. (2023), "PaLM: Scaling language modeling with pathways",
        section 5.1, where training was begun again before each spike, without its batches.

    Differences: not in Keras. Of a `train_step` of one's own, `logs["loss"]` is taken as the loss
        of the batch.

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
            if not isinstance(value, int) or value < least:
                raise ValueError(
                    f"SpikeSkip: {name} must be an integer from {least} on. Received: {value!r}"
                )
        if not factor > 0:
            raise ValueError(f"SpikeSkip: factor must be above 0. Received: {factor!r}")
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
        self._number = _variable("number", (), "int32")  # of the steps so far
        self._recent = _variable("recent", (window,), "float32")
        self._taken = _variable("taken", (), "int32")  # losses, since the level is this one
        self._in_a_row = _variable("in_a_row", (), "int32")
        self._count = _variable("count", (), "int32")
        self._steps = _variable("steps", (_KEPT,), "int32")
        self._losses = _variable("losses", (_KEPT,), "float32")
        self.variables = [
            *(self._number, self._recent, self._taken, self._in_a_row),
            *(self._count, self._steps, self._losses),
        ]
        self._forget()

    def _forget(self) -> None:
        self.skipped: list[Skipped] = []
        self.lost = 0
        self._known = 0  # how many of those on the device are in the list, or lost
        self._epoch, self._first = 0, 0
        for variable in self.variables:
            variable.assign(jnp.zeros(variable.shape, variable.dtype))

    # ------------------------------------------------------------------------------- in the step

    def around_step(self, step: Step) -> Step:
        """Returns the step, whose assignments hold only if its loss is no jump."""

        def run(batch: Any) -> Any:
            here = scope.current()
            before = [(variable, here.read(variable)) for variable in self._all()]
            with _losses_of(self.model) as losses:
                logs = step(batch)
            loss = jnp.asarray(_loss(losses, logs), "float32")
            changed = [(v, old, here.read(v)) for v, old in before]
            changed = [(v, old, new) for v, old, new in changed if new is not old]
            weights = {id(v) for v in self.model.variables}
            finite = jnp.isfinite(loss)
            for variable, _, new in changed:
                if id(variable) in weights and jnp.issubdtype(new.dtype, jnp.inexact):
                    finite &= jnp.isfinite(new).all()
            fine = self._judge(loss, finite)
            for variable, old, new in changed:
                here.write(variable, jnp.where(fine, new, old))
            return logs

        return run

    def _all(self) -> list[Variable]:
        model = self.model
        found = [*model.variables, *model.optimizer.variables]
        found += [variable for metric in model.metrics for variable in metric.variables]
        return list({id(variable): variable for variable in found}.values())

    def _judge(self, loss: jax.Array, finite: jax.Array) -> jax.Array:
        """Decides on a step, and notes its loss."""
        recent, taken = self._recent.value, self._taken.value
        in_a_row, count = self._in_a_row.value, self._count.value
        held = jnp.arange(self.window) < taken
        size = jnp.clip(taken, 1, self.window)
        mean = jnp.where(held, recent, 0).sum() / size
        deviation = jnp.sqrt(jnp.where(held, jnp.square(recent - mean), 0).sum() / size)
        jump = (taken >= self.warmup) & (loss > mean + self.factor * deviation)
        level = finite & jump & (in_a_row >= self.patience)
        fine = finite & (~jump | level)
        first = jnp.where(level, 0, taken)
        self._recent.assign(jnp.where(fine, recent.at[first % self.window].set(loss), recent))
        # Once the window is full, only the place in it matters.
        after = jnp.where(first + 1 >= 2 * self.window, self.window, first + 1)
        self._taken.assign(jnp.where(fine, after, taken))
        self._in_a_row.assign(jnp.where(fine, 0, in_a_row + 1))
        place = count % _KEPT
        for log, value in ((self._steps, self._number.value), (self._losses, loss)):
            log.assign(jnp.where(fine, log.value, log.value.at[place].set(value)))
        self._count.assign(jnp.where(fine, count, count + 1))
        self._number.assign_add(1)
        return fine

    # ------------------------------------------------------------------------------------ looking

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins again."""
        self._forget()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remembers the epoch and its first step."""
        self._epoch, self._first = epoch, int(self._number.numpy())

    def on_progress(self, step: int, steps: int | None, logs: Any = None) -> None:
        """Looks what was left out."""
        self._look()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Looks what was left out."""
        self._look()

    def on_train_end(self, logs: Any = None) -> None:
        """Writes the file, even if nothing was left out."""
        self._write()

    def _look(self) -> None:
        count = int(self._count.numpy())
        if count == self._known:
            return
        first = max(self._known, count - _KEPT)
        self.lost += first - self._known
        steps, losses = self._steps.numpy(), self._losses.numpy()
        for number in range(first, count):
            step, loss = int(steps[number % _KEPT]), float(losses[number % _KEPT])
            self.skipped.append(Skipped(step, self._epoch, step - self._first, loss))
            if self.verbose:
                console.say(
                    f"Epoch {self._epoch + 1}: SpikeSkip left out step {step - self._first + 1}, "
                    f"whose loss was {loss:.6g}"
                )
        self._known = count
        self._write()
        in_a_row = int(self._in_a_row.numpy())
        if in_a_row > self.patience and not self.model.stop_training:
            console.say(
                f"SpikeSkip: the last {in_a_row} batches were all left out, because the loss or "
                "the weights after the step were not finite. Training ends here. "
                "fit(..., debug_nans=True) stops where it begins, and names the layer."
            )
            self.model.stop_training = True

    def _write(self) -> None:
        if self.path is None:
            return
        rows = [
            {**one._asdict(), "loss": one.loss if math.isfinite(one.loss) else str(one.loss)}
            for one in self.skipped
        ]
        with atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps({"skipped": rows, "lost": self.lost}, indent=1))

    def get_state(self) -> dict[str, Any]:
        """Returns what was left out, and the losses that the next ones are compared with."""
        return {
            "skipped": [tuple(one) for one in self.skipped],
            "lost": self.lost,
            "known": self._known,
            "epoch": self._epoch,
            "first": self._first,
            "variables": [np.asarray(variable) for variable in self.variables],
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes up what `get_state()` returned."""
        self.skipped = [Skipped(*one) for one in state["skipped"]]
        self.lost, self._known = state["lost"], state["known"]
        self._epoch, self._first = state["epoch"], state["first"]
        for variable, value in zip(self.variables, state["variables"], strict=True):
            variable.assign(value)


def _variable(name: str, shape: tuple[int, ...], dtype: str) -> Variable:
    return Variable(np.zeros(shape, dtype), dtype=dtype, trainable=False, name=name, role="state")


@contextlib.contextmanager
def _losses_of(model: Any) -> Iterator[list[Any]]:
    """Gives a list of the losses of batches that a model's step notes meanwhile."""
    trackers = [metric for metric in model.metrics if metric.name == "loss"][:1]
    losses: list[Any] = []
    for tracker in trackers:
        update = tracker.update_state

        def seen(loss: Any, *rest: Any, update: Any = update, **words: Any) -> Any:
            losses.append(loss)
            return update(loss, *rest, **words)

        vars(tracker)["update_state"] = seen  # on the object, where it hides that of the class
    try:
        yield losses
    finally:
        for tracker in trackers:
            del vars(tracker)["update_state"]


def _loss(losses: list[Any], logs: Any) -> Any:
    if losses:
        return losses[-1]
    if isinstance(logs, dict) and "loss" in logs:
        return logs["loss"]
    raise ValueError(
        "SpikeSkip: the training step gives no loss to look at. Return it from `train_step`, as in "
        'return {"loss": loss}.'
    )
