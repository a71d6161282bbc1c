"""The one runner: epochs of training or evaluation over a source of batches.

It knows a model only as the small protocol below, and callbacks as something that is called.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jax
import numpy as np

from cornu.core import scope
from cornu.core.interrupts import deferred
from cornu.core.variable import Variable
from cornu.data import Arrays, Stream
from cornu.training.logs import Logs
from cornu.training.ragged import Filling, filled
from cornu.training.steps import Program

__all__ = ["Runner", "fit"]

# A dispatch should end within this many seconds, so that Ctrl-C is heard.
_LONGEST = 0.5


class Trainable(Protocol):
    """What the runner needs of a model."""

    stop_training: bool

    def reset_metrics(self) -> None:
        """Sets all metrics back."""

    def results(self) -> dict[str, Any]:
        """Returns the metrics' values, on the device."""

    def finish_training(self) -> None:
        """Does what is due after the last step."""


class Runner:
    """Runs a step over sources of batches.

    Args:
        model: for its metrics.
        step: `step(batch) -> logs or None`, written with Variables.
        variables: gives all that the step may touch; sources: the model's random sources.
        key: the random key of the run.
        eager: whether steps run without being compiled.
        pads: whether a ragged last batch may be padded with rows of weight zero.
        per_dispatch: steps per dispatch, if fixed.
        note: called with batch, facts and `streamed` when a program is made; see `Traces.note`.

    Attributes:
        step_number: how many steps were run so far; random numbers depend on it.
    """

    def __init__(
        self,
        model: Trainable,
        step: Callable[[Any], Any],
        variables: Callable[[], list[Variable]],
        sources: Callable[[], list[Any]],
        key: Any,
        eager: bool = False,
        pads: bool = True,
        per_dispatch: int | None = None,
        note: Callable[[Any, dict[str, Any], bool], None] = lambda batch, facts, streamed: None,
    ) -> None:
        self.model = model
        self.step = step
        self.key = key
        self.eager = eager
        self.pads = pads
        self.per_dispatch = per_dispatch
        self.note = note
        self.step_number = 0
        self._variables = variables
        self._sources = sources
        self._programs: dict[Any, Program] = {}
        self._seconds_per_step = 0.0

    def program(self, batch: Any, padded: bool, streamed: bool = False) -> Program:
        """Returns the compiled step for batches of some shapes."""
        leaves, definition = jax.tree_util.tree_flatten(batch)
        specs = tuple((tuple(leaf.shape), np.dtype(leaf.dtype).name) for leaf in leaves)
        key = (definition, specs, padded)
        if key not in self._programs:
            self.note(batch, {"padding": padded}, streamed)
            self._programs[key] = Program(
                self.step, self._variables(), batch, padded, self._sources()
            )
        return self._programs[key]

    def epoch(
        self, source: Arrays | Stream, epoch: int, look_every: float | None, single: bool
    ) -> Iterator[tuple[int, int, Logs]]:
        """Runs an epoch; yields `(first step, steps done, logs)` after each dispatch.

        Args:
            source: the data.
            epoch: its number, which decides on the order.
            look_every: seconds after which someone wants to see how far it is.
            single: whether to yield after each step.
        """
        if self.eager or isinstance(source, Stream) or not source.resident:
            yield from self._streamed(source, epoch)
        else:
            yield from self._resident(source, epoch, look_every, single)

    def _logs(self, logs: Any) -> Logs:
        if logs is None:
            return Logs(self.model.results)
        return Logs(lambda: logs)

    def _streamed(self, source: Any, epoch: int) -> Iterator[tuple[int, int, Logs]]:
        filling = Filling(source)
        for i, batch in enumerate(source.batches(epoch)):
            logs = self._run_batch(batch, filling.size(batch) if self.pads else None)
            yield i, i + 1, self._logs(logs)

    def _run_batch(self, batch: Any, size: int | None = None) -> Any:
        if self.eager:
            batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
            key = jax.random.fold_in(self.key, self.step_number)
            with scope.stepping(key, self._sources()):
                logs = self.step(batch)
            self.step_number += 1
            return logs
        batch, rows = filled(jax.tree_util.tree_map(_canonical, batch), size)
        program = self.program(batch, rows is not None, streamed=True)
        with deferred():
            logs = program.one(self.key, self.step_number, batch, rows)
            self.step_number += 1
        return logs

    def run_batch(self, batch: Any) -> Logs:
        """Runs one step on a batch."""
        return self._logs(self._run_batch(batch))

    def _resident(
        self, source: Arrays, epoch: int, look_every: float | None, single: bool
    ) -> Iterator[tuple[int, int, Logs]]:
        padded = source.ragged and self.pads
        whole = source.steps if padded or not source.ragged else source.steps - 1
        data = source.placed()
        positions = source.order(epoch)
        order = jax.numpy.asarray(positions)
        program = self.program(source.example(), padded)
        first = self.step_number
        done = 0
        while done < whole:
            stop = min(whole, done + self._block(program, look_every, single))
            began = time.perf_counter()
            with deferred():
                logs = program.many(self.key, first, data, order, source.count, done, stop)
                self.step_number = first + stop
            if program.warm and not single:
                jax.block_until_ready([v.stored for v in program.written[:1]])
                self._seconds_per_step = (time.perf_counter() - began) / (stop - done)
            program.warm = True
            yield done, stop, self._logs(logs)
            done = stop
        if whole < source.steps:
            rest = positions[whole * source.batch_size : source.count]
            batch = jax.tree_util.tree_map(lambda x: x[rest], data)
            yield whole, whole + 1, self._logs(self._run_batch(batch))

    def _block(self, program: Program, look_every: float | None, single: bool) -> int:
        """Returns how many steps the next dispatch takes."""
        if self.per_dispatch is not None:
            return self.per_dispatch
        if single or not program.warm:
            return 1  # the first dispatch compiles
        if not self._seconds_per_step:
            return 16  # the second measures
        seconds = min(_LONGEST, look_every or _LONGEST)
        return max(1, int(seconds / self._seconds_per_step))


def _canonical(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        dtype = jax.dtypes.canonicalize_dtype(x.dtype)
        return x if x.dtype == dtype else x.astype(dtype)
    return x


def fit(
    runner: Runner,
    source: Arrays | Stream,
    callbacks: Any,
    epochs: int,
    initial_epoch: int = 0,
    order_of: Callable[[int], int] = lambda epoch: epoch,
    validate: Callable[[int], dict[str, Any] | None] = lambda epoch: None,
) -> dict[str, Any]:
    """Trains for some epochs, and returns the logs of the last.

    Args:
        runner: runs the steps.
        source: the data.
        callbacks: a CallbackList.
        epochs: the number of the last epoch; initial_epoch: of the first.
        order_of: the number that decides on an epoch's shuffling.
        validate: returns the validation logs after an epoch, or None.
    """
    model = runner.model
    model.stop_training = False
    callbacks.on_train_begin()
    logs: Any = None
    training_logs: Any = {}
    for epoch in range(initial_epoch, epochs):
        model.reset_metrics()
        callbacks.on_epoch_begin(epoch)
        single = callbacks.train_batch_hooks
        blocks = runner.epoch(source, order_of(epoch), callbacks.look_every, single)
        if single and runner.per_dispatch is None:
            blocks = _announced(blocks, callbacks.on_train_batch_begin, source.steps)
        logs = None
        for start, stop, logs in blocks:
            if single:
                if runner.per_dispatch is not None:
                    callbacks.on_train_batch_begin(start)
                callbacks.on_train_batch_end(stop - 1, logs)
            callbacks.on_progress(stop, source.steps, logs)
            if model.stop_training:
                break
        epoch_logs = {} if logs is None else dict(logs)
        epoch_logs.update(validate(epoch) or {})
        callbacks.on_epoch_end(epoch, epoch_logs)
        training_logs = epoch_logs
        if model.stop_training:
            break
    model.finish_training()
    callbacks.on_train_end(training_logs)
    return training_logs


def _announced(
    blocks: Iterator[Any], announce: Callable[[int], None], steps: int | None
) -> Iterator[Any]:
    """Calls `announce` with the number of a step before it is run."""
    number = 0
    while steps is None or number < steps:
        announce(number)
        block = next(blocks, None)
        if block is None:
            return
        yield block
        number += 1


def evaluate(
    runner: Runner,
    source: Arrays | Stream,
    callbacks: Any,
    steps: int | None = None,
) -> Logs | dict[str, Any]:
    """Runs the test step over a source, and returns its logs."""
    model = runner.model
    model.reset_metrics()
    callbacks.on_test_begin()
    single = callbacks.test_batch_hooks
    logs: Any = None
    blocks = runner.epoch(source, 0, callbacks.look_every, single)
    if single:
        blocks = _announced(blocks, callbacks.on_test_batch_begin, source.steps)
    for _, stop, logs in blocks:
        if single:
            callbacks.on_test_batch_end(stop - 1, logs)
        callbacks.on_progress(stop, source.steps, logs)
        if steps is not None and stop >= steps:
            break
    found = {} if logs is None else dict(logs)
    callbacks.on_test_end(found)
    return found
