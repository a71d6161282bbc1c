"""find_batch_size: the largest batch size that fits into memory, or the fastest one."""

from __future__ import annotations

import math
import time
from typing import Any

import jax
import numpy as np

from cornu.data import Arrays, ReadOptions, Stream, identify
from cornu.data.sources.arrays import length, take
from cornu.errors import is_positive_integer, suggest
from cornu.inspect.tables.formatting import format_bytes
from cornu.training import batch_check
from cornu.training.memory import compile_step, find_available_memory, program_bytes
from cornu.training.resume.snapshot import restored_after
from cornu.training.search.batch_size_report import BatchSize, BatchSizes
from cornu.training.step.program import Program
from cornu.training.trainer import Trainer
from cornu.types import DataLike

__all__ = ["TARGETS", "find_batch_size"]

TARGETS = ("memory", "speed")
_REMEDY = "find_batch_size(..., limit=8 * 2**30)"
_BISECTIONS = 3  # steps of the search between two powers of two
_MIN_SPEEDUP = 1.05  # ratio of throughputs for which a larger batch is preferred
_SECONDS_PER_SIZE = 0.3  # measuring time
_MAX_ROWS = 1 << 20  # for streams, whose length is unknown


def find_batch_size(
    trainer: Trainer,
    x: DataLike,
    y: DataLike,
    sample_weight: DataLike,
    start: int,
    largest: int | None,
    target: str,
    limit: int | None,
) -> BatchSizes:
    """Returns the measured batch sizes and the best of them; see `Model.find_batch_size`."""
    trainer.require_optimizer("find_batch_size")
    if target not in TARGETS:
        raise ValueError(f"Unknown target {target!r}. {suggest(target, TARGETS)}")
    for name, value in (("start", start), ("largest", largest), ("limit", limit)):
        if value is not None and not is_positive_integer(value):
            raise ValueError(f"{name} must be a positive integer. Received: {value!r}")
    if trainer.run_eagerly:
        raise ValueError(
            f"find_batch_size: model {trainer.model.name!r} runs eagerly, but only compiled steps "
            "report their memory. Compile the model without run_eagerly."
        )
    data = identify(x, y, sample_weight)
    binding = trainer.binding("train", aligned=data.has_rows)

    def prepare() -> Arrays | Stream:
        seed = trainer.base_seed()
        options = ReadOptions(seed=seed, prepare=binding.bind, names=binding.names)
        source = data.open(options)
        trainer.prepare(source, train=True)
        batch_check.check_data(trainer, binding, source)
        return source

    with trainer.training("find_batch_size"), restored_after(trainer, prepare) as source:
        measured = _Measurements(trainer, source, limit)
        maximum = min(
            largest or _MAX_ROWS, source.count if isinstance(source, Arrays) else _MAX_ROWS
        )
        find = _find_fastest if target == "speed" else _find_largest
        best = find(measured, start, maximum)
        return BatchSizes(trainer.model.name, list(measured.known.values()), best, measured.limit)


class _Measurements:
    """The memory and time of training steps by batch size, measured lazily and cached."""

    def __init__(self, trainer: Trainer, source: Arrays | Stream, limit: int | None) -> None:
        self.model = trainer.model
        self.sources = trainer.random_sources()
        self.runner = trainer.programs.runner("train")
        self.data = source.preview()
        self.variables = trainer.touched_variables()
        leaves = jax.tree_util.tree_leaves(self.data)
        resident = isinstance(source, Arrays) and source.resident
        self.data_bytes = sum(leaf.nbytes for leaf in leaves) if resident else 0
        self.limit = limit or find_available_memory(self.variables, _REMEDY)
        self.known: dict[int, BatchSize] = {}

    def measure(self, rows: int, timed: bool = False) -> BatchSize:
        """Returns memory and, if `timed` and the step fits into memory, time of a batch size."""
        if rows not in self.known:
            memory, seconds = self._measure(rows, timed)
            fits = memory is not None and memory <= self.limit
            self.known[rows] = BatchSize(rows, memory, fits, seconds)
        return self.known[rows]

    def _measure(self, rows: int, timed: bool) -> tuple[int | None, float | None]:
        spec = jax.tree_util.tree_map(
            lambda a: jax.ShapeDtypeStruct(
                (rows, *a.shape[1:]), jax.dtypes.canonicalize_dtype(a.dtype)
            ),
            self.data,
        )
        runner = self.runner
        program = Program(runner.step, self.variables, spec, False, self.sources)
        compiled = compile_step(program.lower(runner.key, spec))
        if compiled is None:
            return None, None
        memory = self.data_bytes + program_bytes(compiled)
        return memory, self._time(program, compiled, rows) if (
            timed and memory <= self.limit
        ) else None

    def _time(self, program: Program, compiled: Any, rows: int) -> float:
        """Returns the seconds per step: the minimum of several, least affected by other load."""
        # Rows are repeated, because the data may have fewer than the batch.
        batch = take(self.data, np.arange(rows) % length(self.data))
        batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
        shortest, end = math.inf, time.perf_counter() + _SECONDS_PER_SIZE
        number = 0
        while number < 3 or time.perf_counter() < end:
            written = tuple(v.stored for v in program.written)
            read = tuple(v.stored for v in program.read)
            began = time.perf_counter()
            updates, _ = compiled(written, read, self.runner.key, np.int32(number), batch, None)
            jax.block_until_ready(updates)
            shortest = min(shortest, time.perf_counter() - began)
            for variable, value in zip(program.written, updates, strict=True):
                # The program donated the previous buffer.
                variable.stored = value
            number += 1
        return shortest


def _find_largest(measured: _Measurements, start: int, maximum: int) -> int:
    """Returns approximately the largest size that fits.

    Doubles the size, or jumps to an extrapolation of the memory, until it does not fit; then
    searches between the last two sizes.
    """
    rows = min(start, maximum)
    while not measured.measure(rows).fits:
        _check_several_rows(measured, rows)
        rows //= 2
    fitting = rows
    while fitting < maximum:
        larger = min(maximum, max(2 * fitting, _round_down(_extrapolate(measured), power=True)))
        while larger > 2 * fitting and not measured.measure(larger).fits:
            larger //= 2
        if not measured.measure(larger).fits:
            break
        fitting = larger
    for _ in range(_BISECTIONS):
        too_large = min(
            (s.rows for s in measured.known.values() if not s.fits), default=maximum + 1
        )
        between = min(too_large - 1, max(_extrapolate(measured), fitting))
        between = between if between == maximum else _round_down(between)
        # Each size is a compilation, for which less than 1/16 more rows is too little.
        if between <= fitting * 17 // 16:
            break
        if measured.measure(between).fits:
            fitting = between
        else:
            middle = _round_down((fitting + between) // 2)
            if middle > fitting and measured.measure(middle).fits:
                fitting = middle
    return fitting


def _extrapolate(measured: _Measurements) -> int:
    """Returns the number of rows that fit if memory is linear in the number of rows."""
    known = sorted((s.rows, s.memory) for s in measured.known.values() if s.memory is not None)
    if len(known) < 2:
        return 0
    (fewer, less), (more, much) = known[-2:]
    each = max((much - less) / (more - fewer), 1e-9)
    return int(min(fewer + (measured.limit - less) / each, _MAX_ROWS))


def _round_down(rows: int, power: bool = False) -> int:
    """Rounds down to a multiple of 8, which vector units need, or to a power of two.

    Example:

    >>> _round_down(1000), _round_down(1003), _round_down(1000, power=True), _round_down(3)
    (1000, 1000, 512, 3)
    """
    if power:
        return 1 << max(rows, 1).bit_length() - 1
    return rows - rows % 8 if rows >= 16 else rows


def _find_fastest(measured: _Measurements, start: int, maximum: int) -> int:
    """Returns the smallest power of two whose double has no notably higher throughput."""
    # Stops after two sizes without improvement, because a single measurement may be an outlier.
    rows = min(start, maximum)
    while not measured.measure(rows, timed=True).fits:
        _check_several_rows(measured, rows)
        rows //= 2
    best, without_speedup = measured.measure(rows), 0
    while 2 * rows <= maximum and without_speedup < 2:
        rows *= 2
        size = measured.measure(rows, timed=True)
        if not size.fits:
            break
        better = (size.rows_per_second or 0) > _MIN_SPEEDUP * (best.rows_per_second or 0)
        best, without_speedup = (size, 0) if better else (best, without_speedup + 1)
    return best.rows


def _check_several_rows(measured: _Measurements, rows: int) -> None:
    if rows == 1:
        needed = format_bytes(measured.known[1].memory)
        raise ValueError(
            f"Model {measured.model.name!r}: a training step of a single row needs {needed}; "
            f"{format_bytes(measured.limit)} is available.\nUse rematerialization, with "
            "model.remat(), or a smaller model or dtype."
        )
