"""Records which calls of the user's functions each node of a graph belongs to.

When a node is created, the Python stack is inspected. The frames of the user's own functions are
compared by identity with those of the previous node, so that nodes of one function call share one
`UserCall`. No decorator is needed; `@cornu.block("name")` only sets another name.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

from cornu.core.tracebacks.user_frames import display_name, format_location, is_top_level, rename
from cornu.deviations import is_enabled

__all__ = ["UserCall", "block", "override_call", "release_frames", "current_call"]

_rematerialized: set[CodeType] = set()


class UserCall:
    """One call of one of the user's functions.

    Attributes:
        name: the display name of the function.
        parent: the call that contains it, or None.
        location: the `file:line` where the function is defined; '' if the model comes from a file.
        remat: whether the backward pass recomputes its values.
        depth: the number of calls that contain it.
    """

    __slots__ = ("depth", "name", "parent", "location", "remat")

    def __init__(
        self, name: str, parent: UserCall | None, location: str = "", remat: bool = False
    ) -> None:
        self.name = name
        self.parent = parent
        self.location = location
        self.remat = remat
        self.depth: int = 0 if parent is None else parent.depth + 1

    def chain(self) -> list[UserCall]:
        """Returns the calls from the outermost to this one."""
        calls: list[UserCall] = []
        call: UserCall | None = self
        while call is not None:
            calls.append(call)
            call = call.parent
        return calls[::-1]

    def __repr__(self) -> str:
        return f"<UserCall {' > '.join(call.name for call in self.chain())}>"


class _Last(threading.local):
    """The frames of the previous node and their UserCalls; strong references keep ids unique."""

    def __init__(self) -> None:
        self.frames: list[FrameType] = []
        self.calls: list[UserCall] = []
        self.given: tuple[UserCall | None, str] | None = None


_last = _Last()


def block(name: str | Callable[..., Any] | None = None, *, remat: bool = False) -> Any:
    """Decorator that sets the name of a block in summaries, plots, errors and paths.

    Args:
        name: the name; by default that of the function, even if it is a generic one.
        remat: whether the backward pass recomputes the values of the block, so that training
            needs less memory.

    Example:

    >>> @block("stem")
    ... def _head_of_the_network(x):
    ...     return x
    """
    if callable(name):
        return block(name.__name__)(name)

    def mark(fn: Callable[..., Any]) -> Callable[..., Any]:
        inner = fn
        while getattr(inner, "__wrapped__", None) is not None:
            inner = inner.__wrapped__  # type: ignore[attr-defined]
        rename(inner.__code__, inner.__name__ if name is None else name)
        if remat:
            _rematerialized.add(inner.__code__)
        return fn

    return mark


def current_call() -> tuple[UserCall | None, str]:
    """Returns the innermost call of the user's functions, and the user's `file:line`."""
    if _last.given is not None:
        return _last.given
    frames: list[FrameType] = []
    where = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        name = display_name(code)
        if name is not None:
            if not where:
                where = format_location(code, frame.f_lineno)
            if name:
                frames.append(frame)
            elif is_top_level(code):
                break  # frames outside of a program or a notebook cell are not blocks
        frame = frame.f_back
    frames.reverse()
    last_frames, calls = _last.frames, _last.calls
    same = 0
    for old, new in zip(last_frames, frames, strict=False):
        if old is not new:
            break
        same += 1
    calls = calls[:same]
    for frame in frames[same:]:
        code = frame.f_code
        parent = calls[-1] if calls else None
        calls.append(
            UserCall(
                display_name(code) or "", parent, format_location(code), code in _rematerialized
            )
        )
    _last.frames, _last.calls = frames, calls
    return (calls[-1] if calls else None), where


@contextlib.contextmanager
def override_call(call: UserCall | None, location: str) -> Iterator[None]:
    """Assigns new nodes to an earlier call, so that a copied graph keeps its blocks."""
    before = _last.given
    _last.given = (call, location)
    try:
        yield
    finally:
        _last.given = before


def release_frames() -> None:
    """Drops the references to the frames of the previous node."""
    _last.frames, _last.calls = [], []


def _release_finished_frames(when: str, _: Any) -> None:
    """Drops the references to frames whose functions have returned, and so to their variables.

    Frames of running functions are kept: they may create the next node. Models are freed by the
    garbage collector, so doing this at the start of a collection is early enough.
    """
    if when != "start" or not _last.frames or not is_enabled("collection_callbacks"):
        return
    running = set()
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        running.add(id(frame))
        frame = frame.f_back
    while _last.frames and id(_last.frames[-1]) not in running:
        _last.frames.pop()
        _last.calls.pop()


gc.callbacks.append(_release_finished_frames)
