"""Interrupts: Ctrl-C and SIGTERM wait while values change hands."""

from __future__ import annotations

import signal
import threading

# The functions behind `signal.signal` and `signal.getsignal`, which spend ten times as long on
# turning numbers into enums: here they are called around every dispatch.
from _signal import getsignal  # type: ignore[import-not-found]
from _signal import signal as install
from types import FrameType, TracebackType
from typing import Any

__all__ = ["deferred"]

_NUMBERS = (signal.SIGINT.value, signal.SIGTERM.value)


class deferred:
    """A `with` block at whose end the signals arrive that came in it.

    Python raises KeyboardInterrupt between any two instructions, so also between the call that
    gives a Variable's buffer away and the assignment of the new one.

    Signals whose handler is not Python's, and other threads than the main one, are left alone.

    Example:

    >>> done = []
    >>> try:
    ...     with deferred():
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
