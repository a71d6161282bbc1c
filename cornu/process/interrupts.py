"""Interrupts: Ctrl-C and SIGTERM wait while values change hands, and none is lost."""

from __future__ import annotations

import gc
import signal
import threading
import weakref

# The functions behind `signal.signal` and `signal.getsignal`, which spend ten times as long on
# turning numbers into enums: here they are called around every dispatch.
from _signal import getsignal  # type: ignore[import-not-found]
from _signal import signal as install
from types import FrameType, TracebackType
from typing import Any

from cornu.deviations import is_enabled

__all__ = ["deferred_signals", "immediate_interrupts"]

_NUMBERS = (signal.SIGINT.value, signal.SIGTERM.value)
_SOON = 0.001  # seconds


class deferred_signals:
    """A `with` block at whose end the signals arrive that came in it.

    Python raises KeyboardInterrupt between any two instructions, so also between the call that
    gives a Variable's buffer away and the assignment of the new one.

    Signals whose handler is not Python's, and other threads than the main one, are left alone.

    Example:

    >>> done = []
    >>> try:
    ...     with deferred_signals():
    ...         signal.raise_signal(signal.SIGINT)
    ...         done.append("this was not interrupted")
    ... except KeyboardInterrupt:
    ...     done.append("then it came")
    >>> done
    ['this was not interrupted', 'then it came']
    """

    __slots__ = ("_came", "_handlers")

    def __enter__(self) -> None:
        self._came: list[int] = []
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
                install(number, self._note)
        except BaseException:  # one came before its turn
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
            self._restore()  # a signal may strike while the handlers return
        for number in self._came:
            signal.raise_signal(number)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came.append(number)

    def _restore(self) -> None:
        for number, handler in self._handlers:
            install(number, handler)


class immediate_interrupts:
    """A `with` block in which Ctrl-C is heard, whenever it strikes.

    Python drops an exception that is raised while it collects garbage or finalizes an object (JAX
    has it call a function for each collection), and Ctrl-C with it. Here it comes again a moment
    later. A handler of the user's own is left alone, and so are other threads than the main one.
    """

    __slots__ = ("_installed",)

    def __enter__(self) -> None:
        main = threading.get_ident() == threading.main_thread().ident
        pythons = main and getsignal(signal.SIGINT) is signal.default_int_handler
        self._installed = pythons and is_enabled("repeated_interrupts")
        if self._installed:
            install(signal.SIGINT, self._interrupt)

    def __exit__(self, *error: object) -> None:
        if self._installed and getsignal(signal.SIGINT) == self._interrupt:
            install(signal.SIGINT, signal.default_int_handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if not _is_dropped_in(frame):
            raise KeyboardInterrupt
        again = threading.Timer(_SOON, signal.raise_signal, (number,))
        again.daemon = True
        again.start()


def _is_dropped_in(frame: FrameType | None) -> bool:
    """Tells whether an exception that is raised in a frame would go no further."""
    collecting = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code in collecting or code.co_name == "__del__" or code.co_filename == weakref.__file__:
            return True
        frame = frame.f_back
    return False
