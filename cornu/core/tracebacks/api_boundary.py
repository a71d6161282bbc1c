"""The border between the library and its user: errors that cross it say where they happened.

At a border an error of JAX is translated, gets the place (the user's `file:line`, the path of
layers), and loses the library's own frames, unless `cornu.config.disable_traceback_filtering()`
was called. The original error stays as its `__context__`.
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

# Built-in errors that show their text as it is, so that a text may stand before it.
_PLAIN = (
    *(ValueError, TypeError, RuntimeError, NotImplementedError, AttributeError, IndexError),
    *(AssertionError, ZeroDivisionError, OverflowError, MemoryError, UserWarning, RuntimeWarning),
)
_JAX_NOTE = "For simplicity, JAX has removed its internal frames"
_PLACED, _NOTED = "_cornu_placed", "_cornu_noted"


def api_boundary(fn: Function) -> Function:
    """Decorator: errors that leave a public function say where the user called it."""

    @functools.wraps(fn)
    def called(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            raise annotate_error(error, f"{fn.__name__}() was called")  # noqa: B904

    return called  # type: ignore[return-value]


def api_boundary_init(init: Any) -> Any:
    """Wraps a constructor, so that errors say where the object was made."""

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
    """Returns an error as it leaves the library: translated, with a note that says where.

    Args:
        error: what was caught.
        event: what the user did, such as "fit() was called".
        made: the object whose constructor was called; args: with what.
    """
    failed = _failed(error)
    new = _misused(made, args) or error
    if new is error and not _has(error, _PLACED):
        new = translate_error(error) or error
    _mark(new, _PLACED)
    here = user_location()
    text = "\n".join([str(new), *getattr(new, "__notes__", ())])
    if not _has(new, _NOTED) and not _says(text, here):
        _mark(new, _NOTED)
        before = "" if not failed or _says(text, failed) else f"It failed {failed}; "
        new.add_note(f"{before}{event} {here}.")
    return trim_traceback(new, error)


def _misused(made: Any, args: tuple[Any, ...]) -> Exception | None:
    """Returns the error for a class of layers that was called as if it were a layer."""
    kind = type(made)
    takes_none = getattr(kind, "category", "") == "layers" and not kind.is_model
    if not takes_none or not is_symbolic(args[:1]):
        return None
    return TypeError(
        f"{kind.__name__} was called on a Tensor; it is a class, of which a layer is made first.\n"
        f"Write {kind.__name__}(...)(x)."
    )


def locate_error(error: Exception, where: str, who: str = "", path: bool = True) -> Exception:
    """Returns an error that begins with the place where it happened, unless it does so already.

    Args:
        error: what was caught.
        where: the layer, the place where it was called, and on what.
        who: what the error's text may begin with, and need not, since `where` says it.
        path: whether to add the user's line that failed.
    """
    if _has(error, _PLACED):
        return trim_traceback(error, error)
    failed = _failed(error) if path else ""
    new = translate_error(error) or error
    head = f"{where}, failed {failed}" if failed and not _says(where, failed) else where
    if type(new) in _PLAIN and len(new.args) == 1 and isinstance(new.args[0], str):
        text = clean_message(new.args[0]).removeprefix(f"{who}: ").removeprefix(f"{who} ")
        new.args = (f"{head}: {text}",)
    else:
        new.add_note(head)
    _mark(new, _PLACED)
    return trim_traceback(new, error)


def has_location(error: BaseException) -> bool:
    """Tells whether an error says already where it happened."""
    return _has(error, _PLACED)


def replace_prefix(error: BaseException, start: str, more: str) -> None:
    """Gives the text of an error that begins in some way another beginning."""
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
    frames = _users_frames(error.__traceback__)
    if new is not error:
        new.__traceback__ = frames
    cause: BaseException | None = error
    if new is not error:
        # Its frames are in the new traceback: above that, only what it said itself is to be read.
        error.__traceback__ = None
        error.__context__, error.__cause__ = error.__cause__ or error.__context__, None
    seen: set[int] = set()
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        cause.__traceback__ = _users_frames(cause.__traceback__)
        notes = getattr(cause, "__notes__", [])
        notes[:] = [note for note in notes if _JAX_NOTE not in note]
        cause = cause.__cause__ or cause.__context__
    return new


def _users_frames(trace: TracebackType | None) -> TracebackType | None:
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


def _failed(error: BaseException) -> str:
    """Says at which of the user's lines, below the border, an error happened; '' if at none."""
    steps = [step for step in _steps(error.__traceback__) if is_user_code(step.tb_frame.f_code)]
    if not steps:
        return ""
    code = steps[-1].tb_frame.f_code
    name = code.co_qualname.rpartition("<locals>.")[2]
    around = "" if name == "<module>" else f"in {name} "
    return f"{around}(at {format_location(code, steps[-1].tb_lineno)})"


def _says(text: str, where: str) -> bool:
    place = where.rpartition("(at ")[2].rstrip(")")
    return re.search(rf"(?<![\w./]){re.escape(place)}(?!\d)", text) is not None


def _has(error: BaseException, mark: str) -> bool:
    return mark in vars(error)


def _mark(error: BaseException, mark: str) -> None:
    vars(error)[mark] = True
