"""Threads that read the files of batches, shared by all datasets of the process."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from cornu.process.cores import count_cores
from cornu.process.forks import call_after_fork

__all__ = ["count_threads", "run_in_threads"]

_MAX_WORKERS = 8  # more threads do not read faster from one disk


def count_threads(requested: int) -> int:
    """Returns a number of threads; a number below 1 requests an automatic choice."""
    return requested if requested > 0 else min(_MAX_WORKERS, count_cores())


def run_in_threads(function: Callable[..., object], calls: Iterable[tuple[Any, ...]]) -> None:
    """Calls a function with each of some tuples of arguments, in threads.

    The calls of several batches are run in the order of the batches, each by all threads. So the
    first batch is complete early, and no thread is idle while the last one is read.

    Args:
        function: a function that spends most of its time without the GIL.
        calls: the arguments of each call.

    Raises:
        Exception: the error of the first call that failed.
    """
    numbered = list(enumerate(calls))
    threads = min(len(numbered), count_threads(-1))
    rest = iter(numbered)
    failed: dict[int, Exception] = {}

    def run() -> None:
        # An iterator over a list may be shared by threads.
        for number, arguments in rest:
            try:
                function(*arguments)
            except Exception as error:
                # All calls before this one have begun, and report their errors.
                failed[number] = error
                return

    if threads > 1:
        futures = [_pool().submit(run) for _ in range(threads)]
        wait(futures)
        for future in futures:
            future.result()
    else:
        run()
    if failed:
        raise failed[min(failed)]


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count_threads(-1), "cornu-files")


# The threads do not exist in forked processes.
call_after_fork(_pool.cache_clear)
