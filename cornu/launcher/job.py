"""Job: the processes of one training, which begin and end together."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import selectors
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import FrameType

from cornu.launcher.environment import Settings, count_gpus, process_environment
from cornu.launcher.output import Output
from cornu.launcher.report import Failure, describe, exit_status, is_consequence, select

# The module is imported with the other commands, which run on Windows, too.
try:
    import fcntl
    import termios
except ImportError:
    fcntl = termios = None  # type: ignore[assignment]

__all__ = ["Job"]

_POLL = 0.1  # seconds between two looks at the processes
_GRACE = 5.0  # seconds between SIGTERM and SIGKILL for processes that lost another one
_SETTLE = 2.0  # seconds in which the end of a lost process is seen
_CHUNK = 1 << 16
_FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2")
_ENDING = frozenset(("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"))


@dataclass(frozen=True)
class _Stream:
    """A stream of a process; `index` is -1 for the messages of all processes to the launcher."""

    index: int
    is_error: bool = False


class Job:
    """Starts processes, shows their output, forwards signals, and ends all if one fails.

    Each process is the leader of a process group, so that processes that it started end with it.
    If the launcher is killed, the processes see the end of a pipe and end themselves.

    Args:
        command: the command of every process.
        settings: what the processes have in common.
        output: shows their output.
    """

    def __init__(self, command: Sequence[str], settings: Settings, output: Output) -> None:
        self._command = command
        self._settings = settings
        self._output = output
        self._processes: list[subprocess.Popen[bytes]] = []
        self._codes: list[int | None] = [None] * settings.count
        self._selector = selectors.DefaultSelector()
        self._messages = b""
        self._reported: Failure | None = None  # by the processes
        self._signals: list[signal.Signals] = []  # received and not forwarded yet
        self._stopping: signal.Signals | None = None  # the signal that ends the job
        self._settled = math.inf  # when the end of a process that lost another one counts

    def run(self) -> int:
        """Runs the job; returns its exit status."""
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._forwarding())
            stack.enter_context(contextlib.closing(self._selector))
            try:
                self._start(stack)
                failure = self._wait()
            finally:
                self._end()
        seconds = time.monotonic() - began
        if failure is None:
            return 0
        if self._stopping is None:
            lines = self._output.last_errors(failure.index)
            print(describe(failure, self._settings.count, seconds, lines), file=sys.stderr)
        return exit_status(failure)

    # -------------------------------------------------------------------------------------- start

    def _start(self, stack: contextlib.ExitStack) -> None:
        # The processes read the first pipe, which ends with the launcher, and write the second.
        alive, own_end = os.pipe()
        stack.callback(os.close, own_end)
        messages, report_end = os.pipe()
        self._selector.register(os.fdopen(messages, "rb", 0), selectors.EVENT_READ, _Stream(-1))
        gpus = count_gpus(os.environ)
        try:
            for index in range(self._settings.count):
                environment = process_environment(index, self._settings, os.environ, gpus)
                environment["CORNU_LAUNCHER_FDS"] = f"{alive},{report_end}"
                process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=environment,
                    pass_fds=(alive, report_end),
                    start_new_session=True,
                )
                self._processes.append(process)
                for stream in (process.stdout, process.stderr):
                    assert stream is not None
                    data = _Stream(index, stream is process.stderr)
                    self._selector.register(stream, selectors.EVENT_READ, data)
        finally:
            os.close(alive)
            os.close(report_end)

    # --------------------------------------------------------------------------------------- wait

    def _wait(self) -> Failure | None:
        """Waits until all processes have ended, or one has failed."""
        deadline: float | None = None
        while None in self._codes:
            self._read(_POLL)
            if self._collect():
                # A process may have written a report between the last read and its end.
                self._read_pending()
            if self._signals:
                deadline = self._forward()
            if self._stopping is None and self._is_failed():
                break
            if deadline is not None and time.monotonic() >= deadline:
                break
        return self._reported or select(self._codes) or self._unfinished()

    def _is_failed(self) -> bool:
        """Whether a process has failed, and the first one to fail is known."""
        failure = self._reported or select(self._codes)
        if failure is None:
            return False
        if failure is self._reported or not is_consequence(failure.code):
            return True
        # It lost another process, whose own end may be seen a moment later.
        now = time.monotonic()
        self._settled = min(self._settled, now + _SETTLE)
        return now >= self._settled

    def _unfinished(self) -> Failure | None:
        """Returns the failure of a process that did not end after a signal, or None."""
        running = [index for index, code in enumerate(self._codes) if code is None]
        return Failure(running[0], -signal.SIGKILL) if running else None

    def _read(self, seconds: float) -> None:
        """Reads what the processes have written, and waits for it at most some seconds."""
        for key, _ in self._selector.select(seconds):
            self._read_stream(key, _CHUNK)

    def _read_pending(self) -> None:
        """Reads what is in the pipes now, however long it takes to show it.

        The number of bytes is determined before, so that a process that continues to write does
        not delay the end.
        """
        for key in list(self._selector.get_map().values()):
            pending = _count_bytes(key.fd)
            while pending:
                pending -= self._read_stream(key, min(pending, _CHUNK))

    def _read_stream(self, key: selectors.SelectorKey, size: int) -> int:
        """Reads and shows at most some bytes of a stream; returns how many."""
        stream: _Stream = key.data
        data = os.read(key.fd, size)
        if not data:
            self._close(key)
        if stream.index >= 0:
            self._output.write(stream.index, stream.is_error, data)
        else:
            self._read_message(data)
        return len(data)

    def _read_message(self, data: bytes) -> None:
        *lines, self._messages = (self._messages + data).split(b"\n")
        for line in lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                message = json.loads(line)
                index = int(message["index"])
                if self._reported is None and 0 <= index < self._settings.count:
                    self._reported = Failure(index, None, str(message["reason"]))

    def _collect(self) -> bool:
        """Records which processes have ended, and ends what they have started.

        Returns:
            Whether one has ended since the last call.
        """
        before = self._codes.count(None)
        for index, process in enumerate(self._processes):
            if self._codes[index] is not None:
                continue
            flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
            if os.waitid(os.P_PID, process.pid, flags) is None:
                continue
            # Before the process is collected, so that its number cannot belong to another group.
            self._send(process, signal.SIGKILL)
            self._codes[index] = process.wait()
        return self._codes.count(None) < before

    # ---------------------------------------------------------------------------------------- end

    def _end(self) -> None:
        """Ends all processes, and shows the rest of their output."""
        # After a signal to the launcher, they have had their time.
        numbers = [signal.SIGTERM, signal.SIGKILL][self._stopping is not None :]
        for number in numbers:
            deadline = time.monotonic() + _GRACE
            self._collect()
            running = [p for p, c in zip(self._processes, self._codes, strict=False) if c is None]
            for process in running:
                self._send(process, number)
                # A stopped process receives other signals only when it continues.
                self._send(process, signal.SIGCONT)
            while None in self._codes[: len(self._processes)] and time.monotonic() < deadline:
                self._read(_POLL)
                self._collect()
        # What they have written is in the pipes. Only a process outside their groups may add to it.
        self._read_pending()
        deadline = time.monotonic() + _POLL
        while self._selector.get_map() and time.monotonic() < deadline:
            self._read(_POLL / 4)
        for key in list(self._selector.get_map().values()):
            if key.data.index >= 0:
                self._output.write(key.data.index, key.data.is_error, b"")
            self._close(key)

    def _close(self, key: selectors.SelectorKey) -> None:
        self._selector.unregister(key.fileobj)
        assert isinstance(key.fileobj, io.IOBase)
        key.fileobj.close()

    def _send(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        """Sends a signal to a process and to those that it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)

    # ------------------------------------------------------------------------------------ signals

    @contextlib.contextmanager
    def _forwarding(self) -> Iterator[None]:
        """Collects the signals that the launcher receives."""

        def receive(number: int, frame: FrameType | None) -> None:
            self._signals.append(signal.Signals(number))

        numbers = [vars(signal)[name] for name in _FORWARDED if name in vars(signal)]
        before = {number: signal.signal(number, receive) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _forward(self) -> float | None:
        """Forwards signals to the processes; returns when they must have ended, if they must."""
        received, self._signals = self._signals, []
        for number in received:
            if number.name in _ENDING:
                if self._stopping is not None:  # the second one: wait no longer
                    return time.monotonic()
                self._stopping = number
                print(
                    f"cornu launch: received {number.name}, which is sent to all processes. They "
                    f"have {self._settings.timeout:.0f} s to end.",
                    file=sys.stderr,
                )
            # Not to their groups: a worker that loads data may be needed for the last step.
            for process, code in zip(self._processes, self._codes, strict=True):
                if code is None:
                    process.send_signal(number)
        return None if self._stopping is None else time.monotonic() + self._settings.timeout


def _count_bytes(pipe: int) -> int:
    """Returns how many bytes can be read from a pipe without waiting."""
    (count,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))
    return int(count)
