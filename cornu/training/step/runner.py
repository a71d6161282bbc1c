"""Runner: runs a compiled step on the batches of a source."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import jax
import numpy as np

from cornu import tree
from cornu.core.state import scope, sharing
from cornu.core.state.placement import Placement, place
from cornu.core.state.variable import Variable
from cornu.data import Arrays, Stream
from cornu.data.shared_order import check_batches
from cornu.process.interrupts import deferred_signals
from cornu.process.progress import progress
from cornu.training.logs import Logs
from cornu.training.step.partial_batch import BatchPadder, divisible_size, pad_batch
from cornu.training.step.program import Program
from cornu.types import Batch, DataLike

__all__ = ["MetricsOwner", "Runner", "StepCount", "no_limit"]

# A dispatch should end within this many seconds, so that Ctrl-C is handled in time.
_MAX_DISPATCH_SECONDS = 0.5


class MetricsOwner(Protocol):
    """The owner of the metrics that a step updates."""

    def reset_metrics(self) -> None:
        """Resets all metrics."""

    @property
    def sorts_logs(self) -> bool:
        """Whether logs are ordered by name."""

    def results(self) -> dict[str, Any]:
        """Returns the values of the metrics, on the device."""


def no_limit(steps: int) -> int:
    """Returns a number of steps that is never reached."""
    return 1 << 30


@dataclass
class StepCount:
    """The number of steps that have been run; random numbers depend on it."""

    number: int = 0


class _Route(NamedTuple):
    """How batches of one signature are run.

    Attributes:
        signature: the structure, shapes and dtypes of the batches.
        program: the compiled step; None if it runs without compilation.
        size: the number of rows to which the batches are padded, or None.
    """

    signature: tuple[Any, ...]
    program: Program | None = None
    size: int | None = None


class Runner:
    """Runs a step over sources of batches.

    Args:
        owner: the owner of the metrics that the step updates.
        step: `step(batch) -> logs or None`, which reads and assigns Variables.
        variables: returns all Variables that the step may use.
        sources: returns the random sources of the model.
        key: the random key of the run.
        eager: whether steps run without compilation.
        pads: whether a partial last batch may be padded with rows of weight zero.
        per_dispatch: steps per dispatch, if fixed.
        count: the number of steps, shared by the runners of a model.
        note: called with batch, facts and `streamed` when a program is created; see
            `TraceLog.note`.
        placement: where Variables and batches are on several devices, or None.
        make: creates the programs, from the arguments of Program.
    """

    def __init__(
        self,
        owner: MetricsOwner,
        step: Callable[[Any], Any],
        variables: Callable[[], list[Variable]],
        sources: Callable[[], list[Any]],
        key: Any,
        eager: bool = False,
        pads: bool = True,
        per_dispatch: int | None = None,
        count: StepCount | None = None,
        note: Callable[[Any, dict[str, Any], bool], None] = lambda batch, facts, streamed: None,
        placement: Placement | None = None,
        make: Callable[..., Program] = Program,
    ) -> None:
        self.owner = owner
        self.step = step
        self.key = key
        self.eager = eager
        self.pads = pads
        self.per_dispatch = per_dispatch
        self.count = count or StepCount()
        self.note = note
        self.placement = placement
        self._make = make
        self._variables = variables
        self._sources = sources
        self._programs: dict[Any, Program] = {}
        self._seconds_per_step = 0.0

    def program(self, batch: Batch, padded: bool, streamed: bool = False) -> Program:
        """Returns the compiled step for batches with the shapes and dtypes of `batch`."""
        key = (tree.signature(batch), padded)
        if key not in self._programs:
            self.note(batch, {"padding": padded}, streamed)
            self._programs[key] = self._make(
                self.step, self._variables(), batch, padded, self._sources(), self.placement
            )
        return self._programs[key]

    def epoch(
        self,
        source: Arrays | Stream,
        epoch: int,
        report_every: float | None,
        single: bool,
        start: int = 0,
        limit: Callable[[int], int] = no_limit,
    ) -> Iterator[tuple[int, int, Logs]]:
        """Runs an epoch; yields `(first step, steps done, logs)` after each dispatch.

        Args:
            source: the data.
            epoch: the number of the epoch, which determines the order of the rows.
            report_every: the interval of progress reports in seconds.
            single: whether to yield after each step.
            start: the number of steps of this epoch that have been run.
            limit: returns the maximum number of steps in a dispatch, given the number of steps
                so far.
        """
        # A loop on the device would need all data on every device.
        from_host = self.eager or self.placement is not None
        if from_host or isinstance(source, Stream) or not source.resident:
            yield from self._streamed(source, epoch, start, limit)
        else:
            yield from self._resident(source, epoch, report_every, single, start, limit)

    def _logs(self, logs: Any) -> Logs:
        if logs is None:
            return Logs(self.owner.results, sort=self.owner.sorts_logs)
        return Logs(lambda: logs, own=True)

    def _streamed(
        self, source: Any, epoch: int, start: int, limit: Callable[[int], int] = no_limit
    ) -> Iterator[tuple[int, int, Logs]]:
        """Runs the steps one by one; reports several if their number per dispatch is fixed."""
        padder = self._padder(source) if self.pads else None
        route: _Route | None = None
        begun = done = start
        logs: Any = None
        size = 1
        for batch in source.batches(epoch, start):
            if done == start and self.placement is not None:
                check_batches(batch, done, source.steps, self.placement._shares_batches_)
            if done == begun:
                size = min(self.per_dispatch or 1, limit(self.count.number))
            signature = tree.signature(batch)
            if route is None or signature != route.signature:  # most batches have the same
                route = self._find_route(batch, signature, padder)
            logs = self._run_batch(batch, route)
            done += 1
            if done - begun >= size:
                yield begun, done, self._logs(logs)
                begun = done
        if done > begun:
            yield begun, done, self._logs(logs)

    def _find_route(
        self, batch: Batch, signature: tuple[Any, ...], padder: BatchPadder | None = None
    ) -> _Route:
        """Returns how batches with the signature of `batch` are run; compiles the step for them."""
        if self.eager:
            return _Route(signature)
        if padder is not None:
            size = padder.size(batch)
        else:
            size = self._divisible_size(batch) if self.pads else None
        converted, rows = self._placed(pad_batch(_canonical(batch), size))
        program = self.program(converted, rows is not None, streamed=True)
        return _Route(signature, program, size)

    def _run_batch(self, batch: Batch, route: _Route) -> Any:
        if route.program is None:
            batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
            if self.placement is not None:
                place(self._variables(), self.placement)
                batch = self.placement._place_batch_(batch)
            key = jax.random.fold_in(self.key, self.count.number)
            trained = [variable for variable in self._variables() if variable.trainable]
            sharing.claim(frozenset(map(id, trained)), trained)
            with progress.step(is_known=True), scope.eager_step(key, self._sources()):
                logs = self.step(batch)
            self.count.number += 1
            return logs
        # JAX converts the dtypes, in less time than `_canonical`.
        batch, rows = self._placed(pad_batch(batch, route.size))
        with deferred_signals():
            logs = route.program.one(self.key, self.count.number, batch, rows)
            self.count.number += 1
        return logs

    def _placed(self, padded: tuple[Any, Any]) -> tuple[Any, Any]:
        """Returns a batch and its rows on the devices of the placement, if there is one."""
        return padded if self.placement is None else self.placement._place_batch_(padded)

    def _padder(self, source: Any) -> BatchPadder:
        return BatchPadder(source, self._row_multiple())

    def _row_multiple(self) -> int:
        return 1 if self.placement is None else self.placement._row_multiple_

    def _divisible_size(self, batch: Batch) -> int | None:
        """Returns the number of rows to which a single batch is padded to be divided evenly."""
        return None if self.placement is None else divisible_size(batch, self._row_multiple())

    def run_batch(self, batch: Batch) -> Logs:
        """Runs one step on a batch."""
        route = self._find_route(batch, tree.signature(batch))
        return self._logs(self._run_batch(batch, route))

    def _resident(
        self,
        source: Arrays,
        epoch: int,
        report_every: float | None,
        single: bool,
        start: int,
        limit: Callable[[int], int],
    ) -> Iterator[tuple[int, int, Logs]]:
        padded = source.has_partial_batch and self.pads
        whole = source.steps if padded or not source.has_partial_batch else source.steps - 1
        program = self.program(source.example(), padded)
        # Random numbers depend on the number of a step since `compile`, also if the epoch is
        # resumed.
        first = self.count.number - start
        if program.looped:
            run = self._looped(program, source, epoch, first)
        else:
            run = self._one_by_one(program, source, epoch, first, start, padded)
        done = start
        while done < whole:
            size = self._steps_per_dispatch(program, report_every, single)
            stop = min(whole, done + min(size, limit(self.count.number)))
            warm, began = program.warm, time.perf_counter()
            with deferred_signals():
                logs = run(done, stop)
                self.count.number = first + stop
            if warm and not single:
                # One array is enough: those that a program returns become available together.
                jax.block_until_ready(sharing.read_values(program.written[:1]))
                self._seconds_per_step = (time.perf_counter() - began) / (stop - done)
            yield done, stop, self._logs(logs)
            done = stop
        # Without padding, the partial last batch has a program of its own.
        for batch in source.batches(epoch, whole):
            yield whole, whole + 1, self.run_batch(batch)

    def _looped(
        self, program: Program, source: Arrays, epoch: int, first: int
    ) -> Callable[[int, int], Any]:
        """Returns a function that runs steps in a loop on the device, which holds the data."""
        data = source.on_device()
        # With the dtype, `asarray` compiles nothing, and uses the memory of the new array.
        order = jax.numpy.asarray(source.order(epoch), dtype="int32")
        return lambda begin, end: program.many(
            self.key, first, data, order, source.count, begin, end
        )

    def _one_by_one(
        self, program: Program, source: Arrays, epoch: int, first: int, start: int, padded: bool
    ) -> Callable[[int, int], Any]:
        """Returns a function that runs steps one by one, on batches from the host."""
        batches = source.batches(epoch, start)
        size = source.batch_size if padded else None

        def run(begin: int, end: int) -> Any:
            for i in range(begin, end):
                batch, rows = pad_batch(next(batches), size)
                logs = program.one(self.key, first + i, batch, rows)
            return logs

        return run

    def _steps_per_dispatch(
        self, program: Program, report_every: float | None, single: bool
    ) -> int:
        """Returns the number of steps of the next dispatch.

        It is chosen by the measured time per step: many short steps per dispatch, because a
        dispatch has a constant cost, but no longer than the interval of progress reports.
        """
        if self.per_dispatch is not None:
            return self.per_dispatch
        if single or not program.warm:
            return 1  # the first dispatch includes compilation
        if not self._seconds_per_step:
            return 16  # the second one measures the time per step
        seconds = min(_MAX_DISPATCH_SECONDS, report_every or _MAX_DISPATCH_SECONDS)
        return max(1, int(seconds / self._seconds_per_step))


def _canonical(batch: Batch) -> Any:
    """Returns a batch with JAX's canonical dtypes, such as float32 for float64."""
    return jax.tree_util.tree_map(_narrow, batch)


def _narrow(x: DataLike) -> Any:
    if isinstance(x, np.ndarray):
        dtype = jax.dtypes.canonicalize_dtype(x.dtype)
        return x if x.dtype == dtype else x.astype(dtype)
    return x
