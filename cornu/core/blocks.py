"""The graph remembers the user's functions: the tree of calls that drew it.

When a node is made, the Python frames around it are walked. Those of the user's own functions,
compared by identity with the frames of the node before, tell which function call the node
belongs to. No decorator is needed; `@cornu.block("name")` only gives another name.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any

__all__ = ["Call", "block", "forget", "here", "inside", "is_users", "place_of", "users_level"]

_HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_SHOWN = tuple(_HERE + part for part in ("applications", "demo"))
_STDLIB = sysconfig.get_path("stdlib") + os.sep
_SITE = tuple({sysconfig.get_path(kind) + os.sep for kind in ("purelib", "platlib")})

# Installed packages whose functions stand around or between those of the user.
_MACHINERY = ("jax", "numpy", "h5py", "safetensors", "_pytest", "pluggy", "IPython", "ipykernel")

# Names that say nothing about what a nested function builds: the function around it does.
_GENERIC = frozenset(
    "f fn func function g inner block layer wrapper wrapped apply call build decorator "
    "_f <lambda>".split()
)
_TRANSPARENT = frozenset(("<module>", "<listcomp>", "<dictcomp>", "<setcomp>", "<genexpr>"))

_given_names: dict[CodeType, str] = {}
_kinds: dict[CodeType, str | None] = {}


class Call:
    """One call of one of the user's functions.

    Attributes:
        name: the function's name as shown.
        file, line: where the function is defined.
        parent: the call in which it happened, or None.
        depth: how many calls are around it.
    """

    __slots__ = ("code", "depth", "file", "line", "name", "parent")

    def __init__(self, name: str, code: CodeType, parent: Call | None) -> None:
        self.name = name
        self.code = code
        self.file = code.co_filename
        self.line = code.co_firstlineno
        self.parent = parent
        self.depth: int = 0 if parent is None else parent.depth + 1

    def chain(self) -> list[Call]:
        """Returns the calls from the outermost to this one."""
        calls: list[Call] = []
        call: Call | None = self
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
        self.calls: list[Call] = []


_last = _Last()


def block(name: str | Callable[..., Any]) -> Any:
    """Decorator: gives a block function another name in summaries, plots, errors and paths.

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
        _given_names[inner.__code__] = name
        _kinds.pop(inner.__code__, None)
        return fn

    return mark


def here() -> tuple[Call | None, str]:
    """Returns the innermost Call of the user's functions, and the user's `file:line`."""
    frames: list[FrameType] = []
    where = ""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        code = frame.f_code
        name = _kinds[code] if code in _kinds else _kind(code)
        if name is not None:
            if not where:
                where = f"{_short(code.co_filename)}:{frame.f_lineno}"
            if name:
                frames.append(frame)
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
        name = _kinds[frame.f_code] or ""
        calls.append(Call(name, frame.f_code, calls[-1] if calls else None))
    _last.frames, _last.calls = frames, calls
    return (calls[-1] if calls else None), where


def inside() -> str:
    """Says in which of the user's functions, and at which `file:line`, the program is now.

    Example:

    >>> inside().endswith(":1)")
    True
    """
    where = ""
    names: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and len(names) < 3:
        code = frame.f_code
        name = _kinds[code] if code in _kinds else _kind(code)
        if name is not None:
            where = where or f"{_short(code.co_filename)}:{frame.f_lineno}"
            if name:
                names.append(name)
        frame = frame.f_back
    around = f"in {' > '.join(reversed(names))} " if names else ""
    return f"{around}(at {where})"


def is_users(code: CodeType) -> bool:
    """Tells whether code is of the user's program, and not of cornu, JAX or Python itself."""
    return (_kinds[code] if code in _kinds else _kind(code)) is not None


def users_level() -> int:
    """Returns the `stacklevel` with which a warning points at the user's line.

    Example:

    >>> users_level()
    1
    """
    level = 1
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and not is_users(frame.f_code):
        level += 1
        frame = frame.f_back
    return level


def place_of(code: CodeType, line: int) -> str:
    """Returns the `file:line` of a line of some code."""
    return f"{_short(code.co_filename)}:{line}"


_shorts: dict[str, str] = {}


def _short(file: str) -> str:
    """Returns a path as seen from the working directory, if it lies below."""
    if file not in _shorts:
        here = os.getcwd() + os.sep
        _shorts[file] = file[len(here) :] if file.startswith(here) else file
    return _shorts[file]


def forget() -> None:
    """Lets go of the frames of the last node (and of all that their variables hold)."""
    _last.frames, _last.calls = [], []


def _kind(code: CodeType) -> str | None:
    """Returns a function's shown name; '' for code to look through, None if not the user's."""
    _kinds[code] = kind = _name(code)
    return kind


def _name(code: CodeType) -> str | None:
    file = code.co_filename
    if file.startswith(_HERE) and not file.startswith(_SHOWN):
        return None
    if file.startswith(_SITE):
        if any(f"{os.sep}{package}{os.sep}" in file for package in _MACHINERY):
            return None
    elif file.startswith(_STDLIB) or file.startswith("<frozen"):
        return None
    if code in _given_names:
        return _given_names[code]
    if code.co_name in _TRANSPARENT:
        return ""
    parts = [part for part in code.co_qualname.split(".") if part != "<locals>"]
    while len(parts) > 1 and parts[-1] in _GENERIC:
        parts.pop()
    return parts[-1].strip("_<>") or "block"
