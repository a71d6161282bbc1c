"""Records the calls of the user's functions that create each node of a graph.

When a node is created, the Python stack is inspected. The frames of the user's functions are
compared by identity with those of the previous node, so the nodes of one function call share one
`UserCall`. No decorator is required; `@cornu.block("name")` only sets another name.
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
from cornu.names import printable

__all__ = ["UserCall", "block", "current_call", "override_call", "release_frames"]

_rematerialized: set[CodeType] = set()  # functions with `@block(remat=True)`


class UserCall:
    """One call of one of the user's functions.

    Attributes:
        name: the display name of the function.
        parent: the call that contains it, or None.
        location: the `file:line` of the function's definition; '' if the model was loaded from a
            file.
        remat: whether the backward pass recomputes the values of the call.
        depth: the number of calls that contain this one.
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
        return f"<UserCall {' > '.join(printable(call.name) for call in self.chain())}>"


class _PreviousNode(threading.local):
    """The frames of the previous node and their UserCalls.

    The references must be strong: a new frame could otherwise reuse the memory of a finished one,
    and two calls would be taken for the same.
    """

    def __init__(self) -> None:
        self.frames: list[FrameType] = []
        self.calls: list[UserCall] = []
        self.override: tuple[UserCall | None, str] | None = None


_previous = _PreviousNode()


def block(name: str | Callable[..., Any] | None = None, *, remat: bool = False) -> Any:
    """Decorates a function to set the name of its blocks in summaries, plots, errors and paths.

    Functions of the user are blocks without a decorator. It is only required for a different name,
    or for a nested function with a generic name such as `inner`.

    Args:
        name: the name; by default that of the function.
        remat: whether the backward pass recomputes the values of the block instead of storing
            them, which reduces the memory of training.

    Example:

    >>> @block("stem")
    ... def _head_of_the_network(x):
    ...     return x
    """
    if callable(name):
        return block(name.__name__)(name)

    def mark(fn: Callable[..., Any]) -> Callable[..., Any]:
        inner = fn
        # Frames are recognized by the code of the function itself, below the wrappers of
        # decorators.
        while getattr(inner, "__wrapped__", None) is not None:
            inner = inner.__wrapped__  # type: ignore[attr-defined]
        rename(inner.__code__, inner.__name__ if name is None else name)
        if remat:
            _rematerialized.add(inner.__code__)
        return fn

    return mark


def current_call() -> tuple[UserCall | None, str]:
    """Returns the innermost call of the user's functions, and the current `file:line`."""
    if _previous.override is not None:
        return _previous.override
    frames: list[FrameType] = []
    location = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        name = display_name(code)
        if name is not None:
            if not location:
                location = format_location(code, frame.f_lineno)
            if name:
                frames.append(frame)
            elif is_top_level(code):
                break  # frames outside a program or a notebook cell are not blocks
        frame = frame.f_back
    frames.reverse()
    # The common prefix of both stacks are calls that are still running.
    shared = 0
    for old, new in zip(_previous.frames, frames, strict=False):
        if old is not new:
            break
        shared += 1
    calls = _previous.calls[:shared]
    for frame in frames[shared:]:
        code = frame.f_code
        parent = calls[-1] if calls else None
        calls.append(
            UserCall(
                display_name(code) or "", parent, format_location(code), code in _rematerialized
            )
        )
    _previous.frames, _previous.calls = frames, calls
    return (calls[-1] if calls else None), location


@contextlib.contextmanager
def override_call(call: UserCall | None, location: str) -> Iterator[None]:
    """Assigns new nodes to a given call in a `with` block, so a copied graph keeps its blocks."""
    previous = _previous.override
    _previous.override = (call, location)
    try:
        yield
    finally:
        _previous.override = previous


def release_frames() -> None:
    """Releases the frames of the previous node."""
    _previous.frames, _previous.calls = [], []


def _release_finished_frames(phase: str, _: Any) -> None:
    """Releases the frames of functions that have returned, and with them their local variables.

    Frames of running functions are kept, since they may create the next node. Models contain
    reference cycles, so only the garbage collector frees them; the start of a collection is early
    enough.
    """
    if phase != "start" or not _previous.frames or not is_enabled("collection_callbacks"):
        return
    running = set()
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        running.add(id(frame))
        frame = frame.f_back
    while _previous.frames and id(_previous.frames[-1]) not in running:
        _previous.frames.pop()
        _previous.calls.pop()


gc.callbacks.append(_release_finished_frames)
