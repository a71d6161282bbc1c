"""The CPU cores of the process."""

from __future__ import annotations

import os

__all__ = ["count_cores"]


def count_cores() -> int:
    """Returns how many CPU cores the process may use, which may be fewer than the machine has.

    A container or a scheduler of jobs, such as SLURM, restricts a process to some of them.
    """
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
