"""The job of this process: how many processes train one model together, and which this is.

Process 0 writes the files of the job and prints its messages. All processes must call the functions
that exchange values in the same order; with one process they return at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import jax
import numpy as np

from cornu.process.progress import progress

__all__ = [
    "any_process",
    "count",
    "exchange",
    "from_first",
    "index",
    "is_first",
    "meet",
    "path_to_write",
    "separate",
    "set_barrier",
]

_state = {"together": True}
_LONGEST_WAIT = 600_000  # milliseconds
_barriers: list[Callable[[str, int], None]] = []


def separate() -> None:
    """Makes each process a job of its own, whose training has nothing to do with the others."""
    _state["together"] = False


def _is_connected() -> bool:
    # Before the processes are connected, `jax.process_count` would start JAX's devices.
    return _state["together"] and jax.distributed.is_initialized()


def count() -> int:
    """Returns the number of processes of the job; 1 without `cornu.distribution.initialize`."""
    return jax.process_count() if _is_connected() else 1


def index() -> int:
    """Returns the number of this process, from 0."""
    return jax.process_index() if _is_connected() else 0


def is_first() -> bool:
    """Whether this is process 0, which writes the files of the job."""
    return index() == 0


def path_to_write(path: str) -> str:
    """Returns the path of a file of the job; in processes that do not write it, one for nothing.

    Example:

    >>> path_to_write("log.csv")
    'log.csv'
    """
    return path if is_first() else os.devnull


def exchange(values: Sequence[float]) -> np.ndarray:
    """Returns the values of all processes, one row for each, in float32.

    Example:

    >>> exchange([1.0, 2.5])
    array([[1. , 2.5]], dtype=float32)
    """
    own = np.array(values, "float32")
    if count() == 1:
        return own[None]
    from jax.experimental import multihost_utils

    # A process that waits here is ahead of one that has not come yet.
    with progress.step(is_known=True):
        return np.asarray(multihost_utils.process_allgather(own))


def set_barrier(barrier: Callable[[str, int], None]) -> None:
    """Sets the function with which `meet` waits for all processes.

    Args:
        barrier: takes a name, which is that of this meeting in all processes, and milliseconds
            after which it raises an error.
    """
    _barriers.append(barrier)


def meet() -> None:
    """Waits until all processes call this function, if a watchdog observes the job.

    It precedes the exchange of values in functions that a program may call in one process by
    mistake. The others would begin another exchange, and both would wait or mix their values.

    Raises:
        RuntimeError: a process has not come within ten minutes. The watchdog is earlier.
    """
    if count() == 1 or not _barriers:
        return
    with progress.waiting_for_all():
        try:
            _barriers[-1](f"cornu/meeting/{progress.meetings}", _LONGEST_WAIT)
        except jax.errors.JaxRuntimeError as error:
            raise RuntimeError(
                f"Process {index()} of {count()} waited in a function that all processes must "
                "call, such as `save` of a model whose weights are divided, but another process "
                "did not call it.\nCall it in every process: process 0 alone writes the file."
            ) from error


def from_first(value: float) -> float:
    """Returns the value that process 0 passes."""
    return value if count() == 1 else float(exchange([value])[0, 0])


def any_process(value: bool) -> bool:
    """Whether the value is True in at least one process."""
    return value if count() == 1 else bool(exchange([value]).any())
