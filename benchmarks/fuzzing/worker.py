"""Runs numbered inputs in processes with limits of time and memory."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

import jax.numpy
import numpy as np

from benchmarks.fuzzing.target import Failure, Target, Verdict, judge

__all__ = ["Part", "run"]

_PREPARATION = 300.0  # seconds until the good files exist
_HANG = 10.0  # seconds of CPU
_STUCK = 120.0  # seconds
_SLOW = 1.0  # seconds of CPU
_MEGABYTES = 100.0
_SLACK = 1024  # megabytes, at which the system refuses memory
_RECYCLE = 4000  # inputs of a process, because compiled programs stay in memory
_REPORT = 0.5  # seconds between messages


class Part(NamedTuple):
    """What became of some inputs.

    Attributes:
        counts: inputs by verdict.
        failures: those that are failures.
        seconds: the longest of an input that is none.
        megabytes: the most memory of an input that is none.
    """

    counts: Counter[Verdict]
    failures: list[Failure]
    seconds: float = 0.0
    megabytes: float = 0.0


def run(target: Target, numbers: range, stop: float = float("inf")) -> Iterator[Part]:
    """Runs inputs, and yields what became of them.

    Args:
        target: the target.
        numbers: the numbers of the inputs, ascending.
        stop: an instant of `time.monotonic` after which no process is started.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["benchmarks.fuzzing.preload"])
    first = numbers.start
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        while first < numbers.stop and time.monotonic() < stop:
            last = min(first + _RECYCLE, numbers.stop)
            current = context.RawValue(ctypes.c_longlong, -1)
            pipe, end = context.Pipe(duplex=False)
            args = (target.name, folder, first, last, current, end)
            process = context.Process(target=_serve, args=args)
            process.start()
            end.close()
            with contextlib.closing(pipe):
                for part, done in _receive(target, process, pipe, current):
                    first = max(first, done)
                    yield part


def _receive(
    target: Target, process: Any, pipe: Connection, current: Any
) -> Iterator[tuple[Part, int]]:
    """Yields the parts that a process sends, each with the number of its next input."""
    seen, since, used, limit = -1, time.monotonic(), 0.0, _PREPARATION
    try:
        while True:
            try:
                if pipe.poll(0.2):
                    yield pipe.recv()
            except EOFError:
                break
            now = current.value
            if now != seen:
                seen, since, used, limit = now, time.monotonic(), _cpu(process.pid), _STUCK
            elif time.monotonic() - since > limit or seen >= 0 and _cpu(process.pid) - used > _HANG:
                process.kill()
                yield _ended(target, now, "hang", f"no result after {_HANG:g} s"), now + 1
                return
        process.join()
        if process.exitcode:
            details = f"exit code {process.exitcode}"
            yield _ended(target, current.value, "crash", details), current.value + 1
    finally:
        process.kill()
        process.join()


def _cpu(number: int) -> float:
    """Returns the seconds of CPU that a process has used."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{number}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _ended(target: Target, number: int, verdict: Verdict, details: str) -> Part:
    # The process cannot say what was changed: `--repeat` shows it.
    return Part(Counter({verdict: 1}), [Failure(target.name, number, verdict, "", details)])


def _serve(name: str, folder: str, first: int, last: int, current: Any, pipe: Connection) -> None:
    from benchmarks.fuzzing.targets import TARGETS

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(null, stream)
    # The first computation starts threads and imports modules.
    np.asarray(jax.numpy.ones(3) + jax.device_put(np.ones(3, "f4")))
    make = TARGETS[name].open(Path(folder))
    _limit_memory()
    part, sent = Part(Counter(), []), time.monotonic()
    for number in range(first, last):
        current.value = number
        part = _measure(name, number, make, part)
        if part.failures or time.monotonic() - sent > _REPORT:
            pipe.send((part, number + 1))
            part, sent = Part(Counter(), []), time.monotonic()
    pipe.send((part, last))


def _measure(name: str, number: int, make: Any, part: Part) -> Part:
    case = make(number)
    before, highest = _memory("VmRSS"), _memory("VmHWM")
    began = time.process_time()
    verdict, details = judge(case)
    seconds = time.process_time() - began
    # A peak below that of an earlier input is not seen; all those are small.
    peak = _memory("VmHWM")
    megabytes = peak - before if peak > highest else 0.0
    if verdict in ("read", "refused"):
        if megabytes > _MEGABYTES:
            verdict = "memory"
        elif seconds > _SLOW:
            verdict = "slow"
    part.counts[verdict] += 1
    if verdict in ("read", "refused"):
        return part._replace(
            seconds=max(part.seconds, seconds), megabytes=max(part.megabytes, megabytes)
        )
    if megabytes > _MEGABYTES:
        _reset_peak()
    failure = Failure(
        name, number, verdict, case.description[:500], details[:1000], seconds, megabytes
    )
    part.failures.append(failure)
    return part


def _memory(field: str) -> float:
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _limit_memory() -> None:
    """Limits the memory that the process may take in addition."""
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    most = taken * os.sysconf("SC_PAGE_SIZE") + (_SLACK << 20)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))
