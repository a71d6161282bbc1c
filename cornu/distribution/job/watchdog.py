"""Watchdog: ends this process when another process of the job is lost or hung.

JAX notices processes that end or whose machines fail, but none that hang in Python, and its errors
do not say which process was the cause. Each process therefore reports its progress to the
coordinator in process 0, which reads all reports and publishes a verdict.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol

from cornu.distribution.job.records import Observation, Record, Verdict, find_failure
from cornu.process.progress import Progress

__all__ = ["Store", "Watchdog"]

_RECORDS = "cornu/records/"
_VERDICT = "cornu/verdict/"
_CHECKS = 30  # within the time limit
_LONGEST_PERIOD = 5.0
# All processes have ended at the time limit: it takes two periods until each has read a verdict.
_UNTIL_VERDICT = 0.8
_IDLE = 0.05  # of one processor
_LONGEST_END = 300_000  # milliseconds, as long as JAX waits for all processes to end


class Store(Protocol):
    """The key-value store of the coordinator: JAX's `DistributedRuntimeClient`."""

    def key_value_set(self, key: str, value: str, allow_overwrite: bool = False) -> None:
        """Sets the value of a key."""

    def key_value_dir_get(self, key: str) -> list[tuple[str, str]]:
        """Returns the keys that begin with `key`, and their values."""

    def wait_at_barrier(self, barrier_id: str, timeout_in_ms: int) -> None:
        """Waits until all processes have called it with the same name."""


class Watchdog:
    """Reports the progress of this process, and looks at that of the others.

    Args:
        store: the store that the processes share.
        index: the number of this process.
        count: the number of processes.
        timeout: the seconds after which a process without a heartbeat or progress ends the job.
        progress: the progress of this process.
        end: ends this process, given the reason.
    """

    def __init__(
        self,
        store: Store,
        index: int,
        count: int,
        timeout: float,
        progress: Progress,
        end: Callable[[Verdict], None],
    ) -> None:
        self._store = store
        self._index = index
        self._timeout = timeout
        self._progress = progress
        self._end = end
        self._period = min(_LONGEST_PERIOD, timeout / _CHECKS)
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._error = ""
        self._beat = 0
        self._slowest = 0.0
        self._moved = (time.monotonic(), time.process_time(), 0)  # at the last progress
        self._answered = time.monotonic()  # when the coordinator last answered
        # The last record of each process, and when it arrived.
        self._seen = [(Record(), time.monotonic()) for _ in range(count)]

    def start(self) -> None:
        """Starts the threads."""
        # A call of the coordinator may block, so another thread watches whether it returns.
        for work in (self._communicate, self._watch_coordinator):
            thread = threading.Thread(
                target=self._repeat, name="cornu-watchdog", args=(work,), daemon=True
            )
            self._threads.append(thread)
            thread.start()

    def finish(self) -> None:
        """Waits until the programs of all processes have ended, and ends the threads.

        Python ends threads that it does not wait for when they return from native code. In a call
        of the store, which is C++, that aborts the process.
        """
        with contextlib.suppress(Exception):  # JAX waits as well, and says what is wrong
            self._store.wait_at_barrier("cornu/end", _LONGEST_END)
        self._stopping.set()
        for thread in self._threads:
            thread.join(self._timeout)

    def report_error(self, error: str) -> None:
        """Reports the error with which this process ends."""
        self._error = error
        with contextlib.suppress(Exception):  # the coordinator may be what was lost
            self._report()

    def _repeat(self, work: Callable[[], None]) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(Exception):
                work()
            self._stopping.wait(self._period)

    def _communicate(self) -> None:
        self._report()
        verdict = self._judge() if self._index == 0 else self._read_verdict()
        self._answered = time.monotonic()
        if verdict is not None:
            self._end(verdict)

    def _report(self) -> None:
        with self._lock:
            self._store.key_value_set(
                f"{_RECORDS}{self._index}", self._record().to_text(), allow_overwrite=True
            )

    def _record(self) -> Record:
        now, used, count = time.monotonic(), time.process_time(), self._progress.count
        began, used_before, count_before = self._moved
        if count != count_before:
            if count_before:
                self._slowest = max(self._slowest, now - began)
            self._moved = (now, used, count)
            began, used_before = now, used
        self._beat += 1
        still = now - began
        return Record(
            self._beat,
            count,
            still,
            used - used_before < _IDLE * still,
            self._slowest,
            self._progress.unlimited > 0,
            self._progress.finished,
            self._error,
            self._progress.meetings,
            self._progress.meeting,
        )

    def _judge(self) -> Verdict | None:
        """Returns the verdict on all processes, and publishes it."""
        now = time.monotonic()
        for key, text in self._store.key_value_dir_get(_RECORDS):
            index, record = int(key.rsplit("/", 1)[1]), Record.from_text(text)
            if record.beat != self._seen[index][0].beat:
                self._seen[index] = (record, now)
        seen = [Observation(record, now - at) for record, at in self._seen]
        verdict = find_failure(seen, self._timeout * _UNTIL_VERDICT)
        if verdict is not None:
            text = f"{verdict.index} {verdict.reason}"
            self._store.key_value_set(f"{_VERDICT}0", text, allow_overwrite=True)
            time.sleep(2 * self._period)  # the store ends with this process
        return verdict

    def _read_verdict(self) -> Verdict | None:
        for _, text in self._store.key_value_dir_get(_VERDICT):
            index, reason = text.split(" ", 1)
            return Verdict(int(index), reason)
        return None

    def _watch_coordinator(self) -> None:
        silent = time.monotonic() - self._answered
        if silent > self._timeout * _UNTIL_VERDICT:
            self._end(
                Verdict(
                    0,
                    f"process 0, the coordinator, has not answered for {silent:.0f} s. It was "
                    "stopped or killed, or its machine cannot be reached",
                )
            )
