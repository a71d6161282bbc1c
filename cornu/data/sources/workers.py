"""Workers: threads and processes that compute the items of a dataset in advance, in order.

Each worker is a thread. With multiprocessing, each thread has a process, to which it sends tasks
through a pipe and whose results it awaits. The death of a process is therefore detected at once,
and no locks are shared between processes.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import queue
import signal
import threading
import time
import traceback
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import ForkingPickler
from typing import Any

from cornu.data.global_random import seed_globally
from cornu.process.forks import reset_after_fork
from cornu.types import DataLike

__all__ = ["Task", "Workers"]

# Seconds to wait for threads that are busy; they are daemons, which end with the program.
_JOIN_TIMEOUT = 2.0


@dataclass(frozen=True)
class Task:
    """An item to be computed.

    Attributes:
        index: the index of the item in the dataset.
        seeds: the seeds of the global random generators, which a process sets before.
    """

    index: int
    seeds: tuple[int, ...] = ()


class Workers:
    """A pool of workers that compute items of one dataset at a time.

    The workers are stopped by `close`, or when the pool is garbage collected.

    Args:
        count: the number of workers.
        processes: whether to use processes rather than threads. Processes have a copy of the
            dataset; they are started with the spawn method, and JAX is limited to the CPU.
    """

    def __init__(self, count: int, processes: bool) -> None:
        self.processes = processes
        self._tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sent: bytes | None = None
        self._number = 0
        started: list[_Process] = []
        threads: list[threading.Thread] = []
        # Neither this function nor the threads may refer to the pool, which would keep it alive.
        self._stop = weakref.finalize(self, _stop, self._tasks, threads, started)
        for i in range(count):
            make: Any = _make_in_thread
            if processes:
                started.append(_Process())
                make = started[-1].make
            arguments, name = (self._tasks, self._results, make), f"cornu-data-{i}"
            threads.append(
                threading.Thread(target=_run_worker, name=name, args=arguments, daemon=True)
            )
            threads[-1].start()

    def items(self, dataset: DataLike, tasks: Iterable[Task], ahead: int) -> Iterator[Any]:
        """Yields the items of some tasks, in order.

        Args:
            dataset: an object with `__getitem__`.
            tasks: the tasks.
            ahead: the number of items that are computed in advance.
        """
        if self.processes:
            dataset = self._pickle(dataset)
        waiting: list[Task] = []
        ready: dict[int, Any] = {}
        first = self._number
        try:
            for task in tasks:
                waiting.append(task)
                self._tasks.put((self._number, dataset, task))
                self._number += 1
                if len(waiting) > ahead:
                    yield self._item(first, waiting.pop(0), ready)
                    first += 1
            while waiting:
                yield self._item(first, waiting.pop(0), ready)
                first += 1
        except GeneratorExit:
            if waiting:
                self.close()
            raise
        except BaseException:
            self.close()
            raise

    def _item(self, number: int, task: Task, ready: dict[int, Any]) -> Any:
        while number not in ready:
            made_number, succeeded, value = self._results.get()
            ready[made_number] = succeeded, value
        succeeded, value = ready.pop(number)
        if not succeeded:
            raise value
        return value

    def _pickle(self, dataset: DataLike) -> bytes:
        """Returns the pickled dataset; the same object if the dataset has not changed.

        By its identity, a process is known to have the dataset already.
        """
        try:
            pickled = bytes(ForkingPickler.dumps(dataset))
        except Exception as error:
            raise TypeError(
                f"{type(dataset).__name__} cannot be sent to worker processes: {error}\n"
                "Define its class at the top level of a module, without attributes that cannot be "
                "pickled (open files, locks, lambdas); or use threads (use_multiprocessing=False)."
            ) from error
        if pickled != self._sent:
            self._sent = pickled
        return self._sent

    @property
    def alive(self) -> bool:
        """Whether the workers have not been stopped."""
        return self._stop.alive

    def close(self) -> None:
        """Stops all workers, including busy ones."""
        self._stop()


def _stop(tasks: Any, threads: list[threading.Thread], processes: list[_Process]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            tasks.get_nowait()
    for _ in threads:
        tasks.put(None)
    for process in processes:
        process.end()
    deadline = time.monotonic() + _JOIN_TIMEOUT
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, deadline - time.monotonic()))


def _run_worker(tasks: Any, results: Any, make: Any) -> None:
    while (given := tasks.get()) is not None:
        number, dataset, task = given
        del given
        try:
            result = number, True, make(dataset, task)
        except BaseException as error:
            result = number, False, error
        results.put(result)
        # A waiting thread must not keep the last dataset and batch in memory.
        del dataset, result


def _make_in_thread(dataset: DataLike, task: Task) -> Any:
    try:
        return dataset[task.index]
    except Exception as error:
        error.add_note(f"Raised by {type(dataset).__name__}[{task.index}] in a worker thread.")
        raise


# ------------------------------------------------------------------------------------- processes


class _Process:
    """A worker process, used by one thread."""

    def __init__(self) -> None:
        # JAX has threads, and a fork copies their locks in whatever state they are.
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        with _child_environment():
            self._process.start()
        # While this end is open here, too, the death of the process would not end `recv`.
        other.close()
        self._sent: bytes | None = None

    def make(self, dataset: bytes, task: Task) -> Any:
        try:
            if dataset is not self._sent:
                self._connection.send_bytes(dataset)
                self._sent = dataset
            self._connection.send_bytes(pickle.dumps(task))
            succeeded, value = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(5)
            raise RuntimeError(_describe_exit(self._process.exitcode, task.index)) from None
        if succeeded:
            return value
        error, text, name = value
        error.add_note(f"Raised by {name}[{task.index}] in a worker process:\n{text}")
        raise error

    def end(self) -> None:
        self._process.terminate()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()


def _describe_exit(code: int | None, index: int) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return (
            f"A worker process was terminated by {name} while it computed batch {index}.\n"
            "The usual cause of SIGKILL is lack of memory: use fewer workers or smaller batches."
        )
    return (
        f"A worker process exited (exit code {code}) while it computed batch {index}.\n"
        "See its output above. The main module of a program that uses worker processes must be "
        'protected by `if __name__ == "__main__":`, because each process imports it.'
    )


_STARTING = reset_after_fork(threading.Lock())


# Workers only load data: they need neither devices nor caches of programs and memory.
_ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "CORNU_COMPILATION_CACHE": "off",
    "CORNU_ALLOCATOR": "",
}


@contextlib.contextmanager
def _child_environment() -> Iterator[None]:
    """Sets what a started process inherits: JAX limited to the CPU, and SIGINT blocked.

    SIGINT is blocked until the process ignores it (see `_serve`); the main process handles Ctrl-C.
    """
    with _STARTING:
        before = {name: os.environ.get(name) for name in _ENVIRONMENT}
        os.environ.update(_ENVIRONMENT)
        masks = hasattr(signal, "pthread_sigmask")  # not on Windows
        old = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT}) if masks else None
        try:
            yield
        finally:
            if old is not None:
                signal.pthread_sigmask(signal.SIG_SETMASK, old)
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def _serve(connection: Connection) -> None:
    """Computes items until the connection is closed; the main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dataset: DataLike = None
    problem: BaseException | None = None
    while True:
        try:
            message = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        except Exception as error:  # a class that is not found, or a custom __setstate__
            message, problem = None, error
        if not isinstance(message, Task):
            dataset = message
            continue
        try:
            if problem is not None:
                raise _unpickling_error(problem)
            if message.seeds:
                seed_globally(*message.seeds)
            answer = True, dataset[message.index]
        except Exception as error:
            answer = False, (_make_picklable(error), traceback.format_exc(), type(dataset).__name__)
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionError):
            return
        except Exception as error:
            failure = TypeError(f"A batch cannot be sent between processes: {error}")
            connection.send((False, (failure, traceback.format_exc(), type(dataset).__name__)))


def _unpickling_error(error: BaseException) -> BaseException:
    return TypeError(
        f"The dataset cannot be read by a worker process: {error}\n"
        "Define its class at the top level of a module that can be imported, or use threads "
        "(use_multiprocessing=False)."
    )


def _make_picklable(error: Exception) -> Exception:
    """Returns the exception if it survives pickling, otherwise a RuntimeError with its text."""
    try:
        again = pickle.loads(pickle.dumps(error))
        if type(again) is type(error):
            return error
    except Exception:
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")
