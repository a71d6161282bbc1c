"""Workers: threads and processes that make the items of a dataset, in order, ahead of need.

Each worker is a thread here; for processes the thread sends what is to be made to a process of its
own, and waits for it. So a process that dies, is found at once, and nothing is ever locked.
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

__all__ = ["Task", "Workers"]

# Seconds to wait for threads that still make something; they end with the program in any case.
_PATIENCE = 2.0


@dataclass(frozen=True)
class Task:
    """An item to be made.

    Attributes:
        index: its number in the dataset.
        seeds: what the global random numbers of a process are seeded with, before it is made.
    """

    index: int
    seeds: tuple[int, ...] = ()


class Workers:
    """Some workers that make items of one dataset at a time.

    Args:
        count: how many.
        processes: whether they are processes, else threads. Processes have a copy of the dataset,
            are started by spawn with JAX limited to the CPU, and never begin to use it.

    They end when they are closed, or when nobody has them any more.
    """

    def __init__(self, count: int, processes: bool) -> None:
        self.processes = processes
        self._todo: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._made: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._sent: bytes | None = None
        self._number = 0
        started: list[_Process] = []
        threads: list[threading.Thread] = []
        self._end = weakref.finalize(self, _end, self._todo, threads, started)
        for i in range(count):
            make: Any = _here
            if processes:
                started.append(_Process())
                make = started[-1].make
            arguments, name = (self._todo, self._made, make), f"cornu-data-{i}"
            threads.append(threading.Thread(target=_work, name=name, args=arguments, daemon=True))
            threads[-1].start()

    def items(self, dataset: Any, tasks: Iterable[Task], ahead: int) -> Iterator[Any]:
        """Yields the items of some tasks, in their order.

        Args:
            dataset: gives an item for an index.
            tasks: what to make.
            ahead: how many items are made before they are needed.
        """
        if self.processes:
            dataset = self._packed(dataset)
        waiting: list[Task] = []
        ready: dict[int, Any] = {}
        first = self._number
        try:
            for task in tasks:
                waiting.append(task)
                self._todo.put((self._number, dataset, task))
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
            made_number, good, value = self._made.get()
            ready[made_number] = good, value
        good, value = ready.pop(number)
        if not good:
            raise value
        return value

    def _packed(self, dataset: Any) -> bytes:
        """Returns the dataset as it is sent to processes, the same object if it did not change."""
        try:
            packed = bytes(ForkingPickler.dumps(dataset))
        except Exception as error:
            raise TypeError(
                f"{type(dataset).__name__} cannot be sent to worker processes: {error}\n"
                "Define its class at the top level of a file, and keep in it only what can be "
                "pickled (no open files, locks or lambdas); or use threads "
                "(use_multiprocessing=False)."
            ) from error
        if packed != self._sent:
            self._sent = packed
        return self._sent

    @property
    def alive(self) -> bool:
        """Whether they have not been ended."""
        return self._end.alive

    def close(self) -> None:
        """Ends all workers, also those that are making something."""
        self._end()


def _end(todo: Any, threads: list[threading.Thread], processes: list[_Process]) -> None:
    with contextlib.suppress(queue.Empty):
        while True:
            todo.get_nowait()
    for _ in threads:
        todo.put(None)
    for process in processes:
        process.end()
    until = time.monotonic() + _PATIENCE
    for thread in threads:
        if thread is not threading.current_thread():
            thread.join(max(0.0, until - time.monotonic()))


def _work(todo: Any, made: Any, make: Any) -> None:
    while (given := todo.get()) is not None:
        number, dataset, task = given
        del given
        try:
            result = number, True, make(dataset, task)
        except BaseException as error:
            result = number, False, error
        made.put(result)
        del dataset, result


def _here(dataset: Any, task: Task) -> Any:
    try:
        return dataset[task.index]
    except Exception as error:
        error.add_note(f"{type(dataset).__name__} was making batch {task.index}, in a thread.")
        raise


# ------------------------------------------------------------------------------------- processes


class _Process:
    """A process, as the thread that uses it sees it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, other = context.Pipe()
        self._process = context.Process(target=_serve, args=(other,), daemon=True)
        with _child_surroundings():
            self._process.start()
        other.close()
        self._sent: bytes | None = None

    def make(self, dataset: bytes, task: Task) -> Any:
        try:
            if dataset is not self._sent:
                self._connection.send_bytes(dataset)
                self._sent = dataset
            self._connection.send_bytes(pickle.dumps(task))
            good, value = self._connection.recv()
        except (EOFError, OSError):
            self._process.join(5)
            raise RuntimeError(_death(self._process.exitcode, task.index)) from None
        if good:
            return value
        error, text, place = value
        error.add_note(f"{place} was making batch {task.index}, in a process:\n{text}")
        raise error

    def end(self) -> None:
        self._process.terminate()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._connection.close()


def _death(code: int | None, index: int) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return (
            f"A worker process was ended by {name} while it was making batch {index}.\n"
            "SIGKILL mostly means that memory ran out: use fewer workers, or smaller batches."
        )
    return (
        f"A worker process ended (exit code {code}) while it was making batch {index}.\n"
        "What it wrote stands above. A program that uses worker processes must begin under "
        '`if __name__ == "__main__":`, because each process imports it again.'
    )


_STARTING = threading.Lock()


# Workers make data: they neither keep programs nor memory between steps.
_SURROUNDINGS = {
    "JAX_PLATFORMS": "cpu",
    "CORNU_COMPILATION_CACHE": "off",
    "CORNU_ALLOCATOR": "",
}


@contextlib.contextmanager
def _child_surroundings() -> Iterator[None]:
    """What a process takes over when it starts: JAX limited to the CPU, and Ctrl-C held back."""
    with _STARTING:
        before = {name: os.environ.get(name) for name in _SURROUNDINGS}
        os.environ.update(_SURROUNDINGS)
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
    """Makes items until the other side hangs up; the main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    dataset: Any = None
    problem: BaseException | None = None
    while True:
        try:
            message = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        except Exception as error:  # of a class that is not found, or in the user's __setstate__
            message, problem = None, error
        if not isinstance(message, Task):
            dataset = message
            continue
        try:
            if problem is not None:
                raise _unpacking(problem)
            if message.seeds:
                seed_globally(*message.seeds)
            answer = True, dataset[message.index]
        except Exception as error:
            answer = False, (_sendable(error), traceback.format_exc(), type(dataset).__name__)
        try:
            connection.send(answer)
        except (BrokenPipeError, ConnectionError):
            return
        except Exception as error:
            told = TypeError(f"A batch cannot be sent between processes: {error}")
            connection.send((False, (told, traceback.format_exc(), type(dataset).__name__)))


def _unpacking(error: BaseException) -> BaseException:
    return TypeError(
        f"The dataset cannot be read by a worker process: {error}\n"
        "Define its class at the top level of a file that can be imported, or use threads "
        "(use_multiprocessing=False)."
    )


def _sendable(error: Exception) -> Exception:
    """Returns an exception that comes through; one of another type if it must be."""
    try:
        again = pickle.loads(pickle.dumps(error))
        if type(again) is type(error):
            return error
    except Exception:
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")
