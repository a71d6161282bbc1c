"""How a process of a job ends: with its errors visible, and without waiting for lost processes.

At the end of a program, JAX waits until all processes have ended. After an error that is a wait for
processes that wait themselves, so a process ends at once then.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import runpy
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import asdict
from types import TracebackType
from typing import NoReturn

from cornu.distribution.job.records import Verdict
from cornu.launcher.report import HUNG, LOST
from cornu.process.progress import progress

__all__ = ["Ending", "watch_launcher"]

# The errors of collective operations when another process has ended.
_LOST_PEER = re.compile(r"Gloo \w+ failed|NCCL operation|CoordinationService|heartbeat timeout")
# The files whose frames precede those of the program.
_LAUNCHING = frozenset((runpy.__file__, "<frozen runpy>", __file__.replace("ending", "worker")))
_ADVICE = (
    "The job ends. Processes that wait longer on purpose need a larger limit: "
    "`cornu launch --timeout`, or initialize(timeout=...)."
)


class Ending:
    """The end of this process.

    Args:
        index: the number of this process.
        report_error: reports an error to the other processes.
        finish: waits for the other processes at the end of a program without an error.
    """

    def __init__(
        self, index: int, report_error: Callable[[str], None], finish: Callable[[], None]
    ) -> None:
        self._index = index
        self._report_error = report_error
        self._finish = finish
        self._status = 0
        self._process = os.getpid()
        self._lock = threading.Lock()

    def install(self) -> None:
        """Ends the process at once after an error."""
        self._before = sys.excepthook
        sys.excepthook = self._on_error
        # Functions of `atexit` run in reverse order: this one before that of JAX, which waits.
        atexit.register(self._at_exit)

    def set_status(self, status: int) -> None:
        """Sets the exit status of a program that ends with `sys.exit`."""
        self._status = status

    def give_up(self, verdict: Verdict) -> None:
        """Ends the process because a process of the job is lost or hung; called by a thread."""
        with self._lock:  # both threads of the watchdog may call it
            print(f"cornu: {verdict.reason}. {_ADVICE}", file=sys.stderr, flush=True)
            _show_main_thread()
            send_to_launcher(verdict)
            _exit(HUNG)

    def _on_error(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if os.getpid() != self._process:  # a forked process, which has no part in the job
            self._before(kind, error, trace)
            return
        if is_lost_peer(error):
            error.add_note(
                "An operation of all processes failed, most probably because another process has "
                "ended: see its output."
            )
        inner = _without_launcher(trace)
        self._before(kind, error.with_traceback(inner), inner)
        self._status = _status_of(error)
        if self._status != LOST:
            self._report_error(traceback.format_exception_only(error)[0].strip())

    def _at_exit(self) -> None:
        if os.getpid() != self._process:
            return
        progress.finished = True
        if self._status:
            _exit(self._status)
        self._finish()


def is_lost_peer(error: BaseException) -> bool:
    """Whether an operation of several processes failed because one of them has ended."""
    # JAX raises a JaxRuntimeError, a ValueError or a TypeError, depending on where it happens.
    return isinstance(error, Exception) and _LOST_PEER.search(str(error)) is not None


def _status_of(error: BaseException) -> int:
    if isinstance(error, KeyboardInterrupt):
        return 128 + signal.SIGINT
    return LOST if is_lost_peer(error) else 1


def _without_launcher(trace: TracebackType | None) -> TracebackType | None:
    """Returns a traceback that begins with the program of the user."""
    inner = trace
    while inner is not None and inner.tb_frame.f_code.co_filename in _LAUNCHING:
        inner = inner.tb_next
    return inner or trace


def _show_main_thread() -> None:
    """Writes to stderr where the main thread of this process is."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    if frame is not None:
        stack = traceback.extract_stack(frame)
        lines = traceback.format_list([f for f in stack if f.filename not in _LAUNCHING])
        shown = "".join(["Its main thread is here (most recent call last):\n", *lines])
        print(shown, file=sys.stderr, flush=True)


def _exit(status: int) -> NoReturn:
    """Ends the process without the functions of `atexit`."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    os._exit(status)


# ------------------------------------------------------------------------------------ the launcher


def _launcher_pipes() -> tuple[int, int] | None:
    """Returns the ends of the pipes from and to `cornu launch`, if it started this process."""
    found = os.environ.get("CORNU_LAUNCHER_FDS", "").split(",")
    return (int(found[0]), int(found[1])) if len(found) == 2 else None


def watch_launcher() -> None:
    """Ends this process, and those that it started, when `cornu launch` has ended."""
    pipes = _launcher_pipes()
    if pipes is not None:
        threading.Thread(target=_wait_for_end, args=pipes[:1], daemon=True).start()


def _wait_for_end(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.read(pipe, 1)  # nothing is written to it
    # The process is the leader of a group, to which the processes that it started belong.
    os.killpg(os.getpgrp(), signal.SIGKILL)


def send_to_launcher(verdict: Verdict) -> None:
    """Sends the reason why the job ends to `cornu launch`."""
    pipes = _launcher_pipes()
    if pipes is not None:
        with contextlib.suppress(OSError):
            os.write(pipes[1], json.dumps(asdict(verdict)).encode() + b"\n")
