"""Rounds of a session: how epochs, calls and memory are measured for all peers."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, perf_counter, sleep
from typing import Any

from benchmarks.peers import BEGIN, Round
from benchmarks.tasks import Size

__all__ = ["calls", "epochs", "resident", "since_start"]

# Seconds before memory is measured: libraries return freed memory to the system late.
_PAUSE = 1.0


def epochs(run: Callable[[], float], size: Size) -> Iterator[Round]:
    """Yields milliseconds per step of epochs, after one that is not counted.

    Args:
        run: trains or evaluates on `size.count` batches, and returns the loss.
    """
    run()
    while True:
        values, loss = [], 0.0
        for _ in range(size.epochs):
            begin = perf_counter()
            loss = run()
            values.append(1e3 * (perf_counter() - begin) / size.count)
        yield Round(values, loss)


def calls(run: Callable[[], Any], size: Size) -> Iterator[Round]:
    """Yields milliseconds per call."""
    run()
    while True:
        values = []
        for _ in range(size.epochs):
            begin = perf_counter()
            for _ in range(size.count):
                run()
            values.append(1e3 * (perf_counter() - begin) / size.count)
        yield Round(values)


def since_start(run: Callable[[], float]) -> Iterator[Round]:
    """Yields the seconds from the start of this process to the end of `run`, which trains.

    Args:
        run: returns the loss.
    """
    loss = run()
    yield Round([monotonic() - float(os.environ[BEGIN])], loss)


def resident(run: Callable[[], Any], size: Size) -> Iterator[Round]:
    """Yields megabytes by which the process grows in `size.count` runs, after as many others."""
    sizes = []
    for _ in range(2):
        for _ in range(size.count):
            run()
        sleep(_PAUSE)
        gc.collect()
        sizes.append(_megabytes())
    yield Round([sizes[1] - sizes[0]])


def _megabytes() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6
