"""The graph remembers the user's functions: the tree of calls that drew it.

When a node is made, the Python frames around it are walked. Those of the user's own functions,
compared by identity with the frames of the node before, tell which function call the node
belongs to. No decorator is needed; `@cornu.block("name")` only gives another name.
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
        name: the function's name as shown.
        parent: the call in which it happened, or None.
        location: the `file:line` where the function is defined; '' if the model comes from a file.
        remat: whether what it computes is to be computed again for the gradient.
        depth: how many calls are around it.
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
        return f"<Call {' > '.join(call.name for call in self.chain())}>"


class _Last(threading.local):
    """The frames of the last node and their Calls; held strongly, so that ids stay unique."""

    def __init__(self) -> None:
        self.frames: list[FrameType] = []
        self.calls: list[UserCall] = []
        self.given: tuple[UserCall | None, str] | None = None


_last = _Last()


def block(name: str | Callable[..., Any] | None = None, *, remat: bool = False) -> Any:
    """Decorator: gives a block function another name in summaries, plots, errors and paths.

    Args:
        name: the name; by default the function's own, even if it is a generic one.
        remat: whether what the block computes is computed again for the gradient, so that
            training needs less memory.

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
    """Returns the innermost Call of the user's functions, and the user's `file:line`."""
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
                break  # what is around a program or a notebook's cell is no block
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
    """Makes nodes belong to a Call that was seen before: a graph that is drawn again keeps it."""
    before = _last.given
    _last.given = (call, location)
    try:
        yield
    finally:
        _last.given = before


def release_frames() -> None:
    """Lets go of the frames of the last node."""
    _last.frames, _last.calls = [], []


def _let_go(when: str, _: Any) -> None:
    """Lets go of frames whose functions have returned (and of all that their variables hold).

    The frames of functions that still run must be known until the next node: it may be made by
    them. Models are freed by the garbage collector, so it is soon enough to look when it begins.
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


gc.callbacks.append(_let_go)
