"""Signals: SIGINT and SIGTERM are deferred while buffers are exchanged, and none is lost."""

from __future__ import annotations

import functools
import gc
import signal
import threading
import weakref

# `signal.signal` and `signal.getsignal` convert numbers to enums, which takes ten times as long as
# these underlying functions. They are called around the dispatch of every step.
from _signal import getsignal  # type: ignore[import-not-found]
from _signal import signal as install
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, ParamSpec, TypeVar

from cornu.deviations import is_enabled

__all__ = ["deferred_signals", "immediate_interrupts", "loses_no_interrupt"]

_NUMBERS = (signal.SIGINT.value, signal.SIGTERM.value)
_RETRY_DELAY = 0.001  # seconds

P = ParamSpec("P")
R = TypeVar("R")


class deferred_signals:
    """Context manager that defers SIGINT and SIGTERM until the block ends.

    Python may raise KeyboardInterrupt between any two instructions, for example between a call
    that donates the buffer of a Variable and the assignment of the new one, which would leave a
    Variable without a value.

    Signals without a handler in Python are not deferred. In threads other than the main thread,
    where Python handles no signals, the block has no effect.

    Example:

    >>> done = []
    >>> try:
    ...     with deferred_signals():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("block")
    ... except KeyboardInterrupt:
    ...     done.append("interrupt")
    >>> done
    ['block', 'interrupt']
    """

    __slots__ = ("_handlers", "_received")

    def __enter__(self) -> None:
        self._received: list[int] = []
        self._handlers: list[tuple[int, Any]] = []
        if threading.get_ident() != threading.main_thread().ident:
            return
        if not is_enabled("deferred_signals"):
            return
        for number in _NUMBERS:
            handler = getsignal(number)
            if callable(handler):
                self._handlers.append((number, handler))
        try:
            for number, _ in self._handlers:
                install(number, self._record)
        except BaseException:  # an original handler ran before it was replaced
            self._restore()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._restore()
        finally:
            self._restore()  # a restored handler may have raised before the next was restored
        for number in self._received:
            signal.raise_signal(number)

    def _record(self, number: int, frame: FrameType | None) -> None:
        self._received.append(number)

    def _restore(self) -> None:
        for number, handler in self._handlers:
            install(number, handler)


class immediate_interrupts:
    """Context manager in which no Ctrl-C is lost.

    Python discards exceptions that are raised in callbacks of the garbage collector (JAX has one)
    and in finalizers, including KeyboardInterrupt. Within the block, such a signal is raised again
    a millisecond later. The block has no effect if the user has installed a handler of SIGINT, and
    in threads other than the main thread.

    Args:
        on_first: called at the first Ctrl-C. If it returns True, nothing is raised, and the program
            ends the block soon by itself; a second Ctrl-C is raised in any case.
    """

    __slots__ = ("_installed", "_on_first")

    def __init__(self, on_first: Callable[[], bool] | None = None) -> None:
        self._on_first = on_first

    def __enter__(self) -> None:
        main = threading.get_ident() == threading.main_thread().ident
        is_default = main and getsignal(signal.SIGINT) is signal.default_int_handler
        self._installed = is_default and is_enabled("repeated_interrupts")
        if self._installed:
            install(signal.SIGINT, self._interrupt)

    def __exit__(self, *error: object) -> None:
        if self._installed and getsignal(signal.SIGINT) == self._interrupt:
            install(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        on_first, self._on_first = self._on_first, None
        if on_first is not None and on_first():
            return
        if not _discards_exceptions(frame):
            raise KeyboardInterrupt
        timer = threading.Timer(_RETRY_DELAY, _send_to_main_thread, (number,))
        timer.daemon = True  # it must not delay the end of the process
        timer.start()


def _send_to_main_thread(number: int) -> None:
    ident = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and ident is not None:
        # Unlike a signal to this thread, it ends a system call in which the main thread waits.
        signal.pthread_kill(ident, number)
    else:
        signal.raise_signal(number)


def loses_no_interrupt(function: Callable[P, R]) -> Callable[P, R]:
    """Returns a function that runs in `immediate_interrupts`."""

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with immediate_interrupts():
            return function(*args, **kwargs)

    return run


def _discards_exceptions(frame: FrameType | None) -> bool:
    """Tells whether Python discards exceptions that are raised in a frame.

    These are frames of callbacks of the garbage collector, of finalizers, and of the callbacks of
    weak references.
    """
    callbacks = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code in callbacks or code.co_name == "__del__" or code.co_filename == weakref.__file__:
            return True
        frame = frame.f_back
    return False
