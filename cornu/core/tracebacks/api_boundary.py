"""The API boundary: errors that leave the library say where in the user's program they occurred.

At the boundary, an error of JAX is translated, the source location (the user's `file:line`, the
path of layers) is added, and the library's frames are removed, unless
`cornu.config.disable_traceback_filtering()` was called. The original error is its `__context__`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from cornu import settings
from cornu.core.graph.op import is_symbolic
from cornu.core.tracebacks.jax_messages import clean_message, translate_error
from cornu.core.tracebacks.user_frames import format_location, is_user_code, user_location
from cornu.errors import visible_cause

__all__ = [
    "api_boundary",
    "api_boundary_init",
    "annotate_error",
    "has_location",
    "locate_error",
    "replace_prefix",
    "trim_traceback",
]

Function = TypeVar("Function", bound=Callable[..., Any])

# Built-in errors whose text is shown unchanged, so that a prefix can be added.
_PLAIN = (
    *(ValueError, TypeError, RuntimeError, NotImplementedError, AttributeError, IndexError),
    *(AssertionError, ZeroDivisionError, OverflowError, MemoryError, UserWarning, RuntimeWarning),
)
_JAX_NOTE = "For simplicity, JAX has removed its internal frames"
_LOCATED, _NOTED = "_cornu_located", "_cornu_noted"


def api_boundary(fn: Function) -> Function:
    """Decorator of public functions: errors say where the user called the function."""

    @functools.wraps(fn)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            raise annotate_error(error, f"{fn.__name__}() was called")  # noqa: B904

    return called  # type: ignore[return-value]


def api_boundary_init(init: Any) -> Any:
    """Wraps a constructor: errors say where the user created the object."""

    @functools.wraps(init)
    def called(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except Exception as error:
            event = f"{type(self).__name__}() was called"
            raise annotate_error(error, event, self, args)  # noqa: B904

    return called


def annotate_error(
    error: Exception, event: str, made: Any = None, args: tuple[Any, ...] = ()
) -> Exception:
    """Returns the error to raise at the boundary: translated, with a note of the location.

    Args:
        error: the error that was caught.
        event: what the user did, such as "fit() was called".
        made: the object whose constructor was called, if any.
        args: the arguments of the constructor.
    """
    failed = _failed_line(error)
    new = _misused(made, args) or error
    if new is error and not _has(error, _LOCATED):
        new = translate_error(error) or error
    _mark(new, _LOCATED)
    here = user_location()
    text = "\n".join([str(new), *getattr(new, "__notes__", ())])
    if not _has(new, _NOTED) and not _mentions(text, here):
        _mark(new, _NOTED)
        before = "" if not failed or _mentions(text, failed) else f"It failed {failed}; "
        new.add_note(f"{before}{event} {here}.")
    return trim_traceback(new, error)


def _misused(made: Any, args: tuple[Any, ...]) -> Exception | None:
    """Returns the error for a layer class that was called on a Tensor, or None."""
    kind = type(made)
    takes_none = getattr(kind, "category", "") == "layers" and not kind.is_model
    if not takes_none or not is_symbolic(args[:1]):
        return None
    return TypeError(
        f"{kind.__name__} is a class and was called on a Tensor; create a layer first.\n"
        f"Write {kind.__name__}(...)(x)."
    )


def locate_error(error: Exception, where: str, who: str = "", path: bool = True) -> Exception:
    """Returns the error to raise: its message begins with a location, unless it has one.

    Args:
        error: the error that was caught.
        where: the layer, the line that called it, and its inputs.
        who: a prefix to remove from the message, since `where` contains it.
        path: whether to add the user's line that failed.
    """
    if _has(error, _LOCATED):
        return trim_traceback(error, error)
    failed = _failed_line(error) if path else ""
    new = translate_error(error) or error
    head = f"{where}, failed {failed}" if failed and not _mentions(where, failed) else where
    if type(new) in _PLAIN and len(new.args) == 1 and isinstance(new.args[0], str):
        text = clean_message(new.args[0]).removeprefix(f"{who}: ").removeprefix(f"{who} ")
        new.args = (f"{head}: {text}",)
    else:
        new.add_note(head)
    _mark(new, _LOCATED)
    return trim_traceback(new, error)


def has_location(error: BaseException) -> bool:
    """Tells whether an error already has a location."""
    return _has(error, _LOCATED)


def replace_prefix(error: BaseException, start: str, more: str) -> None:
    """Replaces the prefix `start` of an error's message by `more`."""
    if type(error) in _PLAIN and error.args and str(error.args[0]).startswith(start):
        error.args = (more + str(error.args[0]).removeprefix(start), *error.args[1:])


def trim_traceback(new: Exception, error: Exception) -> Exception:
    """Returns an error to raise in the place of another (or the same), with the user's frames.

    Its cause is set as by `raise new from visible_cause(error)`, so that callers write
    `raise locate_error(error, ...)` whether or not the error was replaced: a bare `raise` of the
    same error and `raise ... from` of another would need two branches.
    """
    if new is not error:
        new.__cause__ = visible_cause(error)
        new.__suppress_context__ = True
    if not settings.get("traceback_filtering"):
        return new
    frames = _keep_user_frames(error.__traceback__)
    if new is not error:
        new.__traceback__ = frames
    cause: BaseException | None = error
    if new is not error:
        # The frames are in the new traceback; of the original error only the message is of use.
        error.__traceback__ = None
        error.__context__, error.__cause__ = error.__cause__ or error.__context__, None
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        cause.__traceback__ = _keep_user_frames(cause.__traceback__)
        notes = getattr(cause, "__notes__", [])
        notes[:] = [note for note in notes if _JAX_NOTE not in note]
        cause = cause.__cause__ or cause.__context__
    return new


def _keep_user_frames(trace: TracebackType | None) -> TracebackType | None:
    kept = [step for step in _steps(trace) if is_user_code(step.tb_frame.f_code)]
    found: TracebackType | None = None
    for step in reversed(kept):
        found = TracebackType(found, step.tb_frame, step.tb_lasti, step.tb_lineno)
    return found


def _steps(trace: TracebackType | None) -> list[TracebackType]:
    steps = []
    while trace is not None:
        steps.append(trace)
        trace = trace.tb_next
    return steps


def _failed_line(error: BaseException) -> str:
    """Returns the innermost of the user's lines in the traceback, or ''."""
    steps = [step for step in _steps(error.__traceback__) if is_user_code(step.tb_frame.f_code)]
    if not steps:
        return ""
    code = steps[-1].tb_frame.f_code
    name = code.co_qualname.rpartition("<locals>.")[2]
    around = "" if name == "<module>" else f"in {name} "
    return f"{around}(at {format_location(code, steps[-1].tb_lineno)})"


def _mentions(text: str, where: str) -> bool:
    place = where.rpartition("(at ")[2].rstrip(")")
    return re.search(rf"(?<![\w./]){re.escape(place)}(?!\d)", text) is not None


def _has(error: BaseException, mark: str) -> bool:
    return mark in vars(error)


def _mark(error: BaseException, mark: str) -> None:
    vars(error)[mark] = True
