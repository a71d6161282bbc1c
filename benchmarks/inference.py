"""Predictions of many rows, of one sample, and for concurrent callers, beside other libraries.

`python -m benchmarks.inference` writes inference.md. Each library has its own process; rounds
alternate. The outputs are compared before anything is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, NamedTuple

import numpy as np

from benchmarks import report
from benchmarks.inference_calls import (
    BATCH,
    CALLS,
    COLUMNS,
    HIDDEN,
    Call,
    layered,
    make_call,
)

__all__ = ["main", "page"]

_PAGE = Path(__file__).with_name("inference.md")
ROWS = 1_000_000
_THREADS, _CALLS = 8, 2000


# ------------------------------------------------------------------------------- in the processes


def _example(rows: int) -> np.ndarray:
    return np.random.default_rng(1).normal(size=(rows, COLUMNS)).astype("float32")


def _latencies(call: Callable[[Any], Any], calls: int) -> list[float]:
    x, times = _example(1), []
    for _ in range(calls):
        begin = perf_counter()
        call(x)
        times.append(perf_counter() - begin)
    return times


def _one(call: Callable[[Any], Any]) -> list[float]:
    """Returns p50 and p99 in microseconds, calls per second, and microseconds of CPU time."""
    begin = process_time()
    times = _latencies(call, _CALLS)
    cpu = process_time() - begin  # of all threads, and hardly changed by the load of the machine
    return [*_summary(times, sum(times)), 1e6 * cpu / _CALLS]


def _summary(times: list[float], wall: float) -> list[float]:
    parts = statistics.quantiles(times, n=100)
    return [1e6 * parts[49], 1e6 * parts[98], len(times) / wall]


def _threads(call: Callable[[Any], Any]) -> list[float]:
    """Returns the same for calls from several threads; nothing if one of them fails."""
    found: list[list[float]] = []
    threading.excepthook = lambda arguments: None

    def run() -> None:
        found.append(_latencies(call, _CALLS // _THREADS))

    threads = [threading.Thread(target=run) for _ in range(_THREADS)]
    begin = perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(found) < _THREADS:  # the library fails in threads
        return []
    return _summary([time for times in found for time in times], perf_counter() - begin)


def _many(call: Callable[[Any], Any]) -> list[float]:
    """Returns the seconds of 10^6 rows: wall and CPU time."""
    x = _example(ROWS)
    call(x[: 2 * BATCH + 1])  # compiles a full and a partial batch
    wall, cpu = perf_counter(), process_time()
    call(x)
    return [perf_counter() - wall, process_time() - cpu]


def _batched() -> list[float]:
    """Returns p50, p99, calls per second and the mean batch, for callers of one event loop."""
    from cornu.serving.batching import Batcher

    model = layered("cornu")
    x, times, rows = _example(1), list[float](), list[int]()

    async def ask(batcher: Batcher) -> None:
        for _ in range(_CALLS // _THREADS):
            begin = perf_counter()
            await batcher.infer((x,))
            times.append(perf_counter() - begin)

    async def run() -> float:
        batcher = Batcher(
            lambda arrays: [model.predict_on_batch(arrays[0])],
            rowwise=True,
            max_rows=_THREADS,
            max_waiting=_THREADS,
            max_shapes=_THREADS,
            observe=rows.append,
        )
        batcher.start()
        for count in (1, 2, 4, 8):  # compiles all shapes
            await batcher.infer((_example(count),))
        rows.clear()
        begin = perf_counter()
        await asyncio.gather(*[ask(batcher) for _ in range(_THREADS)])
        wall = perf_counter() - begin
        await batcher.close()
        return wall

    wall = asyncio.run(run())
    return [*_summary(times, wall), statistics.mean(rows)]


def _work(index: int) -> None:
    """Answers each line of the input with one measurement."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not get among the answers
    call = make_call(*CALLS[index][:2])
    kinds: dict[str, Callable[[], Any]] = {
        "outputs": lambda: np.asarray(call(_example(100))).tolist(),
        "one": lambda: _one(call),
        "threads": lambda: _threads(call),
        "many": lambda: _many(call),
        "batched": _batched,
    }
    for line in sys.stdin:
        print(json.dumps(kinds[line.strip()]()), file=answers, flush=True)


# ------------------------------------------------------------------------------------ the main one


class _Worker:
    """The process of one way to call a model."""

    def __init__(self, index: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.inference", "--work", str(index)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "KERAS_BACKEND": "jax",
                "CORNU_DISABLE": CALLS[index].name.partition("CORNU_DISABLE=")[2],
            },
            text=True,
        )

    def ask(self, what: str) -> Any:
        """Returns the result of one measurement."""
        assert self._process.stdin is not None and self._process.stdout is not None
        print(what, file=self._process.stdin, flush=True)
        return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


class Result(NamedTuple):
    """The measurements of one call: medians over the rounds of the lists of each kind."""

    apart: float
    one: list[float]
    threads: list[float]
    many: list[float]


def measure(rounds: int) -> tuple[dict[Call, Result], list[float]]:
    """Returns the results of all calls, and that of callers whose samples are batched."""
    workers = {call: _Worker(i) for i, call in enumerate(CALLS)}
    outputs = {call: np.array(worker.ask("outputs")) for call, worker in workers.items()}
    expected = outputs[CALLS[0]]
    apart = {call: float(np.abs(found - expected).max()) for call, found in outputs.items()}
    for call, difference in apart.items():
        if difference > 1e-5:
            raise ValueError(f"{call.peer}, {call.name}: outputs differ by {difference:g}.")
    found: dict[Call, dict[str, list[list[float]]]] = {
        call: {"one": [], "threads": [], "many": []} for call in workers
    }
    batched = []
    # Threads last: a library that fails in threads may be unable to compute anything afterwards.
    for kinds in (("one", "many"), ("threads",)):
        for kind in kinds * rounds:
            for call, worker in workers.items():
                if kind != "many" or call.many:
                    found[call][kind].append(worker.ask(kind))
    for _ in range(rounds):
        batched.append(workers[CALLS[0]].ask("batched"))
    for worker in workers.values():
        worker.close()
    return {
        call: Result(apart[call], *(_medians(kinds[k]) for k in ("one", "threads", "many")))
        for call, kinds in found.items()
    }, _medians(batched)


def _medians(results: list[list[float]]) -> list[float]:
    return [median(values) for values in zip(*results, strict=True)]


def _cells(found: list[float]) -> str:
    """Returns p50, p99 and calls per second; dashes if calls from threads fail."""
    return f"{found[0]:.0f} | {found[1]:.0f} | {found[2]:,.0f}" if found else "fails | - | -"


def page(
    setting: report.Setting, results: dict[Call, Result], batched: list[float], rounds: int
) -> str:
    """Returns the page of all measurements."""
    single = "\n".join(
        f"| {call.peer} | {call.name} | {r.one[0]:.0f} | {r.one[1]:.0f} | {r.one[3]:.0f} "
        f"| {_cells(r.threads)} | {r.apart:.0e} |"
        for call, r in results.items()
    )
    many = "\n".join(
        f"| {call.peer} | {call.name} | {r.many[0]:.2f} | {r.many[1]:.2f} "
        f"| {ROWS / r.many[0]:,.0f} |"
        for call, r in results.items()
        if r.many
    )
    alone = next(r for call, r in results.items() if call.name == "model.predict_on_batch(x)")
    return f"""# Inference

Generated by `python -m benchmarks.inference`; do not edit.

- {setting.date}; {rounds} rounds
- {setting.machine}, {setting.cores} cores; load at the start: {setting.load:.1f}

An MLP ({COLUMNS}, {HIDDEN}, {HIDDEN}, 10) with the same weights in all libraries, from arrays of
NumPy to arrays of NumPy. Each call has its own process, and rounds alternate; medians over rounds.
"apart" is the largest difference of its outputs from those of cornu.

## One sample

Microseconds of a call, in one thread and in {_THREADS} threads that call at the same time. "CPU"
is the CPU time of a call in one thread. Without inline_programs, XLA computes on another thread
([deviations](../docs/deviations.md)).

| library | call | p50 | p99 | CPU | {_THREADS} threads: p50 | p99 | calls per second | apart |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
{single}

## Concurrent callers

One sample from each of {_THREADS} callers at a time: threads that call `predict_on_batch`, and
tasks of one event loop whose samples `cornu.serving` computes together.

| callers | p50 | p99 | calls per second | samples together |
| --- | ---: | ---: | ---: | ---: |
| {_THREADS} threads | {_cells(alone.threads)} | 1 |
| {_THREADS} tasks, batched | {_cells(batched)} | {batched[3]:.1f} |

## {ROWS:,} rows

In batches of {BATCH}, with one result. "jitted function", "module" and "session.run" are called in
a loop over batches. glibc by itself, and cornu without `memory_reuse`, returns the memory of hidden
activations to the system after each batch, unless the process has freed a larger block (of up to
32 MB) before: then the loop of JAX takes half the CPU time.

| library | call | seconds | CPU seconds | rows per second |
| --- | --- | ---: | ---: | ---: |
{many}
"""


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.inference", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--work", type=int, metavar="CALL")
    given = parser.parse_args()
    if given.work is not None:
        _work(given.work)
        return
    setting = report.setting()
    results, batched = measure(given.rounds)
    _PAGE.write_text(page(setting, results, batched, given.rounds))
    print(_PAGE.read_text())


if __name__ == "__main__":
    main()
