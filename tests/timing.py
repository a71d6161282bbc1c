"""CPU time in a unit that does not depend on the speed of the machine."""

from __future__ import annotations

import time
from collections.abc import Callable

LETTERS = "a" * 100_000


def passes_of(program: Callable[[], object], enough: float) -> float:
    """Returns the CPU time of a program, in passes of a Python loop over 100,000 letters.

    Of three calls, because other processes may interrupt one; of fewer, if one takes `enough`.
    """
    times: list[float] = []
    while len(times) < 3 and min(times, default=enough) >= enough:
        times.append(_cpu_time(program) / min(_cpu_time(_pass) for _ in range(3)))
    return min(times)


def _pass() -> None:
    for letter in LETTERS:
        if letter == "b":
            raise AssertionError


def _cpu_time(program: Callable[[], object]) -> float:
    start = time.process_time()
    program()
    return time.process_time() - start
