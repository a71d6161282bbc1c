"""The batch size that fits into memory, or that is fastest."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from cornu.data import Arrays, ReadOptions, Stream, identify
from cornu.data.sources.arrays import length, take
from cornu.errors import suggest
from cornu.inspect.tables.formatting import format_bytes
from cornu.training import steps
from cornu.training.resume.snapshot import restored_after
from cornu.training.search.batch_size_report import BatchSize, BatchSizes
from cornu.training.step.program import Program
from cornu.training.trainer import Trainer

__all__ = ["TARGETS", "find_batch_size"]

TARGETS = ("memory", "speed")
_USED = 0.9  # of the device's memory: what else runs needs some, and it falls into pieces
# Of the host's: others need it, and XLA's convolutions take about as much again there as it says.
_USED_OF_HOST = 0.5
_TRIES = 3  # to come nearer to the largest size
_GAIN = 1.05  # by which a larger batch must be faster to be worth it
_SECONDS = 0.3  # of measuring, for each size
_MOST = 1 << 20  # rows, where the data sets no limit


def find_batch_size(
    trainer: Trainer,
    x: Any,
    y: Any,
    sample_weight: Any,
    start: int,
    largest: int | None,
    target: str,
    limit: int | None,
) -> BatchSizes:
    """Returns what batch sizes need, and the best of them; see `Model.find_batch_size`."""
    trainer.require_optimizer("find_batch_size")
    if target not in TARGETS:
        raise ValueError(f"Unknown target {target!r}. {suggest(target, TARGETS)}")
    for name, value in (("start", start), ("largest", largest), ("limit", limit)):
        if value is not None and (not isinstance(value, int) or value < 1):
            raise ValueError(f"{name} must be a positive integer. Received: {value!r}")
    if trainer.run_eagerly:
        raise ValueError(
            f"Model {trainer.model.name!r} runs eagerly, and only the compiler reports how much "
            "memory a step needs. Compile the model without run_eagerly."
        )
    binding = trainer.binding("train")

    def prepare() -> Arrays | Stream:
        seed = trainer.base_seed()
        options = ReadOptions(seed=seed, prepare=binding.bind, names=binding.names)
        source = identify(x, y, sample_weight).open(options)
        trainer.prepare(source, train=True)
        steps.check_data(trainer, binding, source)
        return source

    with restored_after(trainer, prepare) as source:
        measured = _Measurements(trainer, source, limit)
        most = min(largest or _MOST, source.count if isinstance(source, Arrays) else _MOST)
        find = _fastest if target == "speed" else _largest
        best = find(measured, start, most)
        return BatchSizes(trainer.model.name, list(measured.known.values()), best, measured.limit)


class _Measurements:
    """What training steps of some batch sizes need, measured when it is first asked for."""

    def __init__(self, trainer: Trainer, source: Arrays | Stream, limit: int | None) -> None:
        self.model = trainer.model
        self.sources = trainer.random_sources()
        self.runner = trainer.programs.runner("train")
        self.data = source.preview()
        self.variables = trainer.touched_variables()
        leaves = jax.tree_util.tree_leaves(self.data)
        resident = isinstance(source, Arrays) and source.resident
        self.apart = sum(leaf.nbytes for leaf in leaves) if resident else 0
        self.limit = _usable(self.variables) if limit is None else limit
        self.known: dict[int, BatchSize] = {}

    def measure(self, rows: int, timed: bool = False) -> BatchSize:
        """Returns what a batch size needs; measures it only if it fits."""
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
        try:
            compiled = program.lower(runner.key, spec).compile()
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            return None, None
        parts = compiled.memory_analysis()
        memory = self.apart + (
            parts.argument_size_in_bytes
            + parts.output_size_in_bytes
            - parts.alias_size_in_bytes
            + parts.temp_size_in_bytes
            + parts.generated_code_size_in_bytes
        )
        return memory, self._time(program, compiled, rows) if (
            timed and memory <= self.limit
        ) else None

    def _time(self, program: Program, compiled: Any, rows: int) -> float:
        """Returns the seconds of a step: the shortest of some, which other work disturbed least."""
        batch = take(self.data, np.arange(rows) % length(self.data))
        batch = jax.tree_util.tree_map(jax.numpy.asarray, batch)
        shortest, end = math.inf, time.perf_counter() + _SECONDS
        number = 0
        while number < 3 or time.perf_counter() < end:
            written = tuple(v.stored for v in program.written)
            read = tuple(v.stored for v in program.read)
            began = time.perf_counter()
            news, _ = compiled(written, read, self.runner.key, np.int32(number), batch, None)
            jax.block_until_ready(news)
            shortest = min(shortest, time.perf_counter() - began)
            for variable, value in zip(program.written, news, strict=True):
                variable.stored = value
            number += 1
        return shortest


def _largest(measured: _Measurements, start: int, most: int) -> int:
    """Returns about the largest size that fits: a power of two first, then what is between."""
    rows = min(start, most)
    while not measured.measure(rows).fits:
        _need_less(measured, rows)
        rows //= 2
    good = rows
    while good < most:
        larger = min(most, max(2 * good, _below(_guess(measured), power=True)))
        while larger > 2 * good and not measured.measure(larger).fits:
            larger //= 2
        if not measured.measure(larger).fits:
            break
        good = larger
    for _ in range(_TRIES):
        bad = min((s.rows for s in measured.known.values() if not s.fits), default=most + 1)
        between = min(bad - 1, max(_guess(measured), good))
        between = between if between == most else _below(between)
        if between <= good * 17 // 16:
            break
        if measured.measure(between).fits:
            good = between
        else:
            middle = _below((good + between) // 2)
            if middle > good and measured.measure(middle).fits:
                good = middle
    return good


def _guess(measured: _Measurements) -> int:
    """Returns how many rows fit if memory grows evenly with them."""
    known = sorted((s.rows, s.memory) for s in measured.known.values() if s.memory is not None)
    if len(known) < 2:
        return 0
    (fewer, less), (more, much) = known[-2:]
    each = max((much - less) / (more - fewer), 1e-9)
    return int(min(fewer + (measured.limit - less) / each, _MOST))


def _below(rows: int, power: bool = False) -> int:
    """Returns a number that is good for hardware, and not larger.

    Example:

    >>> _below(1000), _below(1003), _below(1000, power=True), _below(3)
    (1000, 1000, 512, 3)
    """
    if power:
        return 1 << max(rows, 1).bit_length() - 1
    return rows - rows % 8 if rows >= 16 else rows


def _fastest(measured: _Measurements, start: int, most: int) -> int:
    """Returns the smallest power of two of which twice as much is hardly faster."""
    rows = min(start, most)
    while not measured.measure(rows, timed=True).fits:
        _need_less(measured, rows)
        rows //= 2
    best, late = measured.measure(rows), 0
    while 2 * rows <= most and late < 2:
        rows *= 2
        size = measured.measure(rows, timed=True)
        if not size.fits:
            break
        better = (size.rows_per_second or 0) > _GAIN * (best.rows_per_second or 0)
        best, late = (size, 0) if better else (best, late + 1)
    return best.rows


def _need_less(measured: _Measurements, rows: int) -> None:
    if rows == 1:
        needed = format_bytes(measured.known[1].memory)
        raise ValueError(
            f"Model {measured.model.name!r}: a training step of a single row needs {needed}, and "
            f"{format_bytes(measured.limit)} may be used.\nLet blocks compute their values again, "
            "with model.remat(), or use a smaller model or dtype."
        )


# ------------------------------------------------------------------------------------ memory


def _usable(variables: Any) -> int:
    """Returns the bytes that a program may use which has these Variables among its arguments."""
    device = next(iter(variables[0].stored.devices()))
    own = sum(v.stored.nbytes for v in variables)
    stats = device.memory_stats() or {}
    if "bytes_limit" in stats:
        return int(_USED * (stats["bytes_limit"] - stats["bytes_in_use"] + own))
    free = _free()
    if free is None:
        raise ValueError(
            f"Nothing tells how much memory {device} has. Say it: find_batch_size(..., "
            "limit=8 * 2**30)."
        )
    return int(_USED_OF_HOST * (free + own))


def _free() -> int | None:
    """Returns how many bytes of the host's memory are free; None if nothing tells."""
    found = []
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        lines = dict(line.split(":") for line in meminfo.read_text().splitlines() if ":" in line)
        found.append(int(lines["MemAvailable"].split()[0]) * 1024)
    elif "SC_PHYS_PAGES" in os.sysconf_names:
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    # What a container may use, of either version of control groups.
    for most, now in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        (
            "/sys/fs/cgroup/memory/memory.limit_in_bytes",
            "/sys/fs/cgroup/memory/memory.usage_in_bytes",
        ),
    ):
        if Path(most).exists() and Path(most).read_text().strip().isdigit():
            found.append(int(Path(most).read_text()) - int(Path(now).read_text()))
    return min(found, default=None)
