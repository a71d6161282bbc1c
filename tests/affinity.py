"""Keeps each process of pytest-xdist on its own cores, which takes a fifth less time.

XLA passes programs from one thread of a process to another. Where two processes share two cores,
these threads wait for a core and move between cores.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Set
from pathlib import Path
from typing import Any

import pytest

_TASKS = Path("/proc/self/task")


class Affinity:
    """A plugin of pytest that keeps a test process on some cores.

    All else is as without it: XLA has a thread for each core, because it starts them before
    `apply`, the library counts all cores, and processes that a test starts use all cores.

    Args:
        cores: all cores.
        own: those of this process.
    """

    def __init__(self, cores: Set[int], own: Set[int]) -> None:
        self._cores, self._own = cores, own
        self._is_released = False

    def apply(self) -> None:
        """Moves all threads of this process to its cores."""
        # Threads that begin later are on the cores of the thread that starts them.
        for task in _TASKS.iterdir():
            os.sched_setaffinity(int(task.name), self._own)
        # The library chooses numbers of threads by it.
        count = os.sched_getaffinity
        os.sched_getaffinity = lambda pid: set(self._cores) if pid == 0 else count(pid)
        sys.addaudithook(self._release_before_a_process)
        os.register_at_fork(after_in_child=self._release)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self) -> None:
        """Moves this thread back to the cores of the process, after a test that left them."""
        if self._is_released:
            os.sched_setaffinity(0, self._own)
            self._is_released = False

    def _release(self) -> None:
        os.sched_setaffinity(0, self._cores)
        self._is_released = True

    def _release_before_a_process(self, event: str, arguments: Any) -> None:
        if event == "subprocess.Popen":
            self._release()


def affinity_of_worker(config: pytest.Config) -> Affinity | None:
    """Returns the cores of this worker of pytest-xdist; None if it has none of its own."""
    # Not from the environment, which processes that a test starts inherit.
    worker = getattr(config, "workerinput", None)
    if worker is None or sys.platform != "linux":
        return None
    cores, count = os.sched_getaffinity(0), worker["workercount"]
    if len(cores) < count:
        return None
    number = int(worker["workerid"].removeprefix("gw"))
    return Affinity(cores, set(sorted(cores)[number::count]))
