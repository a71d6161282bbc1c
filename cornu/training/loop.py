"""The one runner: epochs of training or evaluation over a source of batches.

It knows a model only as the small protocol below, and callbacks as something that is called.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import jax
import numpy as np

from cornu import tree
from cornu.core.state import scope
from cornu.core.state.variable import Variable
from cornu.data import Arrays, Stream
from cornu.process.interrupts import deferred_signals
from cornu.training.logs import Logs
from cornu.training.ragged import Filling, filled
from cornu.training.steps import Program

__all__ = ["Runner", "fit"]

# A dispatch should end within this many seconds, so that Ctrl-C is heard.
_LONGEST = 0.5


class Trainable(Protocol):
    """What the runner needs of a model."""

    stop_training: bool
    pausing: bool

    def reset_metrics(self) -> None:
        """Sets all metrics back."""

    def results(self) -> dict[str, Any]:
        """Returns the metrics' values, on the device."""

    def finish_training(self) -> None:
        """Does what is due after the last step."""


class Keeper(Protocol):
    """What decides when the state of training is kept, and keeps it."""

    def limit(self, steps: int) -> int:
        """Returns how many steps may be run before a state is to be kept, after `steps`."""

    def after_steps(self, epoch: int, step: int, last: bool, logs: Any) -> None:
        """Called between two dispatches; `last` tells that no step of the epoch is left."""

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Called when an epoch has ended, after validation and the callbacks."""

    def paused(self, epoch: int, step: int, logs: Any) -> None:
        """Called when training is to go on later from the middle of an epoch."""

    def before_end(self) -> None:
        """Called after the last epoch."""

    def end(self) -> None:
        """Called when training has ended in order."""


def no_limit(steps: int) -> int:
    """Returns a number of steps that is never reached."""
    return 1 << 30


class NoKeeper:
    """Keeps nothing."""

    limit = staticmethod(no_limit)

    def after_steps(self, epoch: int, step: int, last: bool, logs: Any) -> None:
        """Does nothing."""

    def after_epoch(self, epoch: int, logs: dict[str, Any]) -> None:
        """Does nothing."""

    def paused(self, epoch: int, step: int, logs: Any) -> None:
        """Does nothing."""

    def before_end(self) -> None:
        """Does nothing."""

    def end(self) -> None:
        """Does nothing."""


@dataclass
class Count:
    """How many steps were run so far; random numbers depend on it."""

    number: int = 0


@dataclass
class Start:
    """Where training begins: in an epoch, perhaps in the middle.

    Attributes:
        epoch: its number.
        step: how many of its steps were run before.
        logs: what the last of these returned, if not the metrics.
        ended: whether a callback ended training there.
    """

    epoch: int = 0
    step: int = 0
    logs: dict[str, Any] | None = None
    ended: bool = False


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
        count: of the steps; runners of one model share it.
        note: called with batch, facts and `streamed` when a program is made; see `Traces.note`.
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
        count: Count | None = None,
        note: Callable[[Any, dict[str, Any], bool], None] = lambda batch, facts, streamed: None,
    ) -> None:
        self.model = model
        self.step = step
        self.key = key
        self.eager = eager
        self.pads = pads
        self.per_dispatch = per_dispatch
        self.count = count or Count()
        self.note = note
        self._variables = variables
        self._sources = sources
        self._programs: dict[Any, Program] = {}
        self._seconds_per_step = 0.0

    def program(self, batch: Any, padded: bool, streamed: bool = False) -> Program:
        """Returns the compiled step for batches of some shapes."""
        key = (tree.signature(batch), padded)
        if key not in self._programs:
            self.note(batch, {"padding": padded}, streamed)
            self._programs[key] = Program(
                self.step, self._variables(), batch, padded, self._sources()
            )
        return self._programs[key]

    def epoch(
        self,
        source: Arrays | Stream,
        epoch: int,
        look_every: float | None,
        single: bool,
        start: int = 0,
        limit: Callable[[int], int] = no_limit,
    ) -> Iterator[tuple[int, int, Logs]]:
        """Runs an epoch; yields `(first step, steps done, logs)` after each dispatch.

        Args:
            source: the data.
            epoch: its number, which decides on the order.
            look_every: seconds after which someone wants to see how far it is.
            single: whether to yield after each step.
            start: how many of its steps were run before.
            limit: returns how many steps a dispatch may take, given the number of steps so far.
        """
        if self.eager or isinstance(source, Stream) or not source.resident:
            yield from self._streamed(source, epoch, start)
        else:
            yield from self._resident(source, epoch, look_every, single, start, limit)

    def _logs(self, logs: Any) -> Logs:
        if logs is None:
            return Logs(self.model.results)
        return Logs(lambda: logs, own=True)

    def _streamed(self, source: Any, epoch: int, start: int) -> Iterator[tuple[int, int, Logs]]:
        filling = Filling(source)
        for i, batch in enumerate(source.batches(epoch, start), start):
            logs = self._run_batch(batch, filling.size(batch) if self.pads else None)
            yield i, i + 1, self._logs(logs)

    def _run_batch(self, batch: Any, size: int | None = None) -> Any:
        if self.eager:
            batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
            key = jax.random.fold_in(self.key, self.count.number)
            with scope.eager_step(key, self._sources()):
                logs = self.step(batch)
            self.count.number += 1
            return logs
        batch, rows = filled(_canonical(batch), size)
        program = self.program(batch, rows is not None, streamed=True)
        with deferred_signals():
            logs = program.one(self.key, self.count.number, batch, rows)
            self.count.number += 1
        return logs

    def run_batch(self, batch: Any) -> Logs:
        """Runs one step on a batch."""
        return self._logs(self._run_batch(batch))

    def _resident(
        self,
        source: Arrays,
        epoch: int,
        look_every: float | None,
        single: bool,
        start: int,
        limit: Callable[[int], int],
    ) -> Iterator[tuple[int, int, Logs]]:
        padded = source.ragged and self.pads
        whole = source.steps if padded or not source.ragged else source.steps - 1
        program = self.program(source.example(), padded)
        first = self.count.number - start
        if program.looped:
            run = self._looped(program, source, epoch, first)
        else:
            run = self._in_turn(program, source, epoch, first, start, padded)
        done = start
        while done < whole:
            block = self._block(program, look_every, single)
            stop = min(whole, done + min(block, limit(self.count.number)))
            warm, began = program.warm, time.perf_counter()
            with deferred_signals():
                logs = run(done, stop)
                self.count.number = first + stop
            if warm and not single:
                jax.block_until_ready([v.stored for v in program.written[:1]])
                self._seconds_per_step = (time.perf_counter() - began) / (stop - done)
            yield done, stop, self._logs(logs)
            done = stop
        for batch in source.batches(epoch, whole):
            yield whole, whole + 1, self._logs(self._run_batch(batch))

    def _looped(
        self, program: Program, source: Arrays, epoch: int, first: int
    ) -> Callable[[int, int], Any]:
        """Returns what runs steps in a loop on the device, where the data lies."""
        data, order = source.placed(), jax.numpy.asarray(source.order(epoch))
        return lambda begin, end: program.many(
            self.key, first, data, order, source.count, begin, end
        )

    def _in_turn(
        self, program: Program, source: Arrays, epoch: int, first: int, start: int, padded: bool
    ) -> Callable[[int, int], Any]:
        """Returns what runs steps one by one, on batches from the host."""
        batches = source.batches(epoch, start)
        size = source.batch_size if padded else None

        def run(begin: int, end: int) -> Any:
            for i in range(begin, end):
                batch, rows = filled(_canonical(next(batches)), size)
                logs = program.one(self.key, first + i, batch, rows)
            return logs

        return run

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


def _canonical(batch: Any) -> Any:
    """Returns a batch with the dtypes that JAX computes in."""
    return jax.tree_util.tree_map(_narrow, batch)


def _narrow(x: Any) -> Any:
    if isinstance(x, np.ndarray):
        dtype = jax.dtypes.canonicalize_dtype(x.dtype)
        return x if x.dtype == dtype else x.astype(dtype)
    return x


def fit(
    runner: Runner,
    source: Arrays | Stream,
    callbacks: Any,
    epochs: int,
    start: Start,
    order_of: Callable[[int], int] = lambda epoch: epoch,
    validate: Callable[[int], dict[str, Any] | None] = lambda epoch: None,
    keeper: Keeper | None = None,
    runner_now: Callable[[Runner], Runner] = lambda runner: runner,
) -> dict[str, Any]:
    """Trains for some epochs, and returns the logs of the last.

    Args:
        runner: runs the steps.
        source: the data.
        callbacks: a CallbackList, whose `on_train_begin` was called.
        epochs: the number of the last epoch.
        start: where to begin.
        order_of: the number that decides on an epoch's shuffling.
        validate: returns the validation logs after an epoch, or None.
        keeper: keeps the state of training.
        runner_now: returns the runner for the next epoch, given that of the last.
    """
    model, keeper = runner.model, keeper or NoKeeper()
    model.stop_training |= start.ended
    training_logs: Any = start.logs or {}
    step = start.step
    for epoch in range(start.epoch, epochs):
        if model.stop_training:
            break
        logs: Any = start.logs if step else None
        done = step
        if step:
            callbacks.on_resume(epoch, step)
        else:
            model.reset_metrics()
            callbacks.on_epoch_begin(epoch)
        runner = runner_now(runner)
        single = callbacks.train_batch_hooks
        order = order_of(epoch)
        blocks = runner.epoch(source, order, callbacks.look_every, single, step, keeper.limit)
        if single and runner.per_dispatch is None:
            blocks = _announced(blocks, callbacks.on_train_batch_begin, step, source.steps)
        for begun, done, logs in blocks:
            if single:
                if runner.per_dispatch is not None:
                    callbacks.on_train_batch_begin(begun)
                callbacks.on_train_batch_end(done - 1, logs)
            callbacks.on_progress(done, source.steps, logs)
            if model.stop_training:
                break
            keeper.after_steps(epoch, done, done == source.steps, logs)
        if step and logs is None:
            logs = Logs(model.results)
        if model.pausing:
            keeper.paused(epoch, done, logs)
            break
        epoch_logs = {} if logs is None else dict(logs)
        epoch_logs.update(validate(epoch) or {})
        callbacks.on_epoch_end(epoch, epoch_logs)
        training_logs = epoch_logs
        step = 0
        keeper.after_epoch(epoch, epoch_logs)
    keeper.before_end()
    model.finish_training()
    callbacks.on_train_end(training_logs)
    keeper.end()
    return training_logs


def _announced(
    blocks: Iterator[Any], announce: Callable[[int], None], number: int, steps: int | None
) -> Iterator[Any]:
    """Calls `announce` with the number of a step before it is run."""
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
        blocks = _announced(blocks, callbacks.on_test_batch_begin, 0, source.steps)
    for _, stop, logs in blocks:
        if single:
            callbacks.on_test_batch_end(stop - 1, logs)
        callbacks.on_progress(stop, source.steps, logs)
        if steps is not None and stop >= steps:
            break
    found = {} if logs is None else dict(logs)
    callbacks.on_test_end(found)
    return found
