"""The API boundary: where errors leave the library and enter the user's program.

At the boundary, an error of JAX is translated, the source location (the user's `file:line`, the
path of layers) is added, and the library's frames are removed from the traceback, unless
`cornu.config.disable_traceback_filtering()` was called. The original error is available as
`__context__`.
"""

from __future__ import annotations

import functools
import inspect
import re
import sys
from collections.abc import Callable
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, TypeVar, cast

from cornu import settings
from cornu.core.graph.op import is_symbolic
from cornu.core.tracebacks.jax_messages import clean_message, translate_error
from cornu.core.tracebacks.user_frames import format_location, is_user_code, user_location
from cornu.errors import suggest_argument, visible_cause
from cornu.foreign import explain_argument
from cornu.names import printable

__all__ = [
    "annotate_error",
    "api_boundary",
    "api_boundary_init",
    "has_location",
    "keep_traceback",
    "locate_error",
    "replace_prefix",
    "trim_traceback",
]

Function = TypeVar("Function", bound=Callable[..., Any])

# Errors whose message is `args[0]`, to which a prefix can be added. Others, such as KeyError, which
# shows the repr of its argument, get a note instead.
_PREFIXABLE = (
    *(ValueError, TypeError, RuntimeError, NotImplementedError, AttributeError, IndexError),
    *(AssertionError, ZeroDivisionError, OverflowError, MemoryError, UserWarning, RuntimeWarning),
)
_JAX_NOTE = "For simplicity, JAX has removed its internal frames"
# Attributes set on errors that already have a location in the message, or in a note. An error may
# cross the boundary several times, from a layer to the model to `fit`.
_LOCATED, _NOTED = "_cornu_located", "_cornu_noted"
# The code of the wrappers below. All wrappers of a decorator share one code object.
_boundaries: set[CodeType] = set()


class keep_traceback:
    """Context manager in which an error is raised without a further frame in its traceback.

    Args:
        error: the error. If it has no traceback yet, it receives one.
    """

    __slots__ = ("_traceback",)

    def __init__(self, error: BaseException) -> None:
        self._traceback = error.__traceback__

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is not None and self._traceback is not None:
            error.__traceback__ = self._traceback


def api_boundary(fn: Function) -> Function:
    """Decorates a public function: errors contain the user's line that called it."""

    @functools.wraps(fn)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return fn(*args, **kwargs)
        except Exception as error:
            if isinstance(error, TypeError):
                _describe_unknown_keyword(error, fn, args)
            if _is_called_by_library():
                raise
            new = annotate_error(error, f"{fn.__name__}() was called", arguments=(args, kwargs))
            if new is error:
                raise  # without a frame of the library in the traceback
            with keep_traceback(new):
                raise new  # noqa: B904 - its cause is set
        except KeyboardInterrupt as error:
            # Where in the library a Ctrl-C arrived says nothing to the user.
            if settings.get("traceback_filtering"):
                error.__traceback__ = _keep_user_frames(error.__traceback__)
            raise

    _boundaries.add(cast(FunctionType, wrapper).__code__)
    return wrapper  # type: ignore[return-value]


def api_boundary_init(init: Callable[..., None]) -> Callable[..., None]:
    """Decorates a constructor: errors contain the user's line that created the object."""

    @functools.wraps(init)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            init(self, *args, **kwargs)
        except Exception as error:
            if _is_called_by_library():
                raise
            event = f"{type(self).__name__}() was called"
            new = annotate_error(error, event, self, (args, kwargs))
            if new is error:
                raise  # without a frame of the library in the traceback
            with keep_traceback(new):
                raise new  # noqa: B904 - its cause is set

    _boundaries.add(cast(FunctionType, wrapper).__code__)
    return wrapper


def _is_called_by_library() -> bool:
    """Tells whether another boundary lies between the calling boundary and the user's program.

    `Model.save` calls `save_model`, and `Input` creates an `InputLayer`: an error should name the
    function that the user called, so that only the outermost boundary annotates it.
    """
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and not is_user_code(frame.f_code):
        if frame.f_code in _boundaries:
            return True
        frame = frame.f_back
    return False


def annotate_error(
    error: Exception, event: str, instance: object = None, arguments: Any = ((), {})
) -> Exception:
    """Returns the error to raise at the boundary: translated, with the location in a note.

    Args:
        error: the error that was caught.
        event: what the user did, such as "fit() was called".
        instance: the object whose constructor was called, if any.
        arguments: the positional and the keyword arguments of the call.
    """
    failed = _failing_location(error)
    new = _class_called_on_tensor(instance, arguments[0]) or error
    if new is error:
        new = explain_argument(error, arguments)
    if new is error and not _has(error, _LOCATED):
        new = translate_error(error) or error
    _make_printable(new, error.__traceback__)
    _mark(new, _LOCATED)
    here = user_location()
    text = "\n".join([str(new), *getattr(new, "__notes__", ())])
    # Messages of the library often contain the location already.
    if not _has(new, _NOTED) and not _mentions(text, here):
        _mark(new, _NOTED)
        before = "" if not failed or _mentions(text, failed) else f"It failed {failed}; "
        new.add_note(f"{before}{event} {here}.")
    return trim_traceback(new, error)


def _class_called_on_tensor(instance: Any, args: tuple[Any, ...]) -> Exception | None:
    """Returns the error for `Dense(x)`, which passes a Tensor to the constructor, or None."""
    cls = type(instance)
    is_layer = getattr(cls, "_category_", "") == "layers" and not cls._is_model_
    if not is_layer or not is_symbolic(args[:1]):
        return None
    return TypeError(
        f"The class {cls.__name__} was called on a Tensor. Create a layer first.\n"
        f"Use {cls.__name__}(...)(x)."
    )


def _describe_unknown_keyword(
    error: TypeError, fn: Callable[..., Any], args: tuple[Any, ...]
) -> None:
    """Completes Python's message about an unknown keyword argument of `fn`.

    Python names the class that defines a method, which may be a private base class; the message
    names the class of the object instead, and suggests an argument.
    """
    text = str(error)
    start = f"{fn.__qualname__}() got an unexpected keyword argument "
    if not text.startswith(start):
        return
    unknown = text.split("'")[1]
    owner = f"{type(args[0]).__name__}." if args and "." in fn.__qualname__ else ""
    problem = f"{owner}{fn.__name__}() got an unexpected keyword argument {unknown!r}. "
    if elsewhere := _methods_with(unknown, fn, args):
        error.args = (f"{problem}It is an argument of {', '.join(elsewhere)}.",)
        return
    known = [name for name in inspect.signature(fn).parameters if name not in ("self", "kwargs")]
    error.args = (problem + suggest_argument(unknown, known),)


def _methods_with(argument: str, fn: Callable[..., Any], args: tuple[Any, ...]) -> list[str]:
    """Returns the public methods of an object that have an argument, except inherited ones.

    Methods are inherited if they are defined in a base class of the one that defines `fn`.
    """
    found: dict[str, None] = {}
    for cls in type(args[0]).__mro__ if args else ():
        for name, method in vars(cls).copy().items():
            is_public = not name.startswith("_") and inspect.isfunction(method)
            if is_public and argument in inspect.signature(method).parameters:
                found[f"{name}()"] = None
        if f"{cls.__qualname__}.{fn.__name__}" == fn.__qualname__:
            return list(found)
    return []


def locate_error(
    error: Exception, where: str, label: str = "", add_failing_line: bool = True
) -> Exception:
    """Returns the error to raise: its message begins with a location, unless it has one.

    Args:
        error: the error that was caught.
        where: the layer, the line that called it, and its inputs.
        label: a prefix to remove from the message, since `where` begins with it.
        add_failing_line: whether to add the user's line that failed.
    """
    if _has(error, _LOCATED):
        return trim_traceback(error, error)
    failed = _failing_location(error) if add_failing_line else ""
    new = translate_error(error) or error
    _make_printable(new, error.__traceback__)
    where = printable(where)  # the layer and its inputs
    head = f"{where}, failed {failed}" if failed and not _mentions(where, failed) else where
    if type(new) in _PREFIXABLE and len(new.args) == 1 and isinstance(new.args[0], str):
        text = clean_message(new.args[0]).removeprefix(f"{label}: ").removeprefix(f"{label} ")
        new.args = (f"{head}: {text}",)
    else:
        new.add_note(head)
    _mark(new, _LOCATED)
    return trim_traceback(new, error)


def _make_printable(error: Exception, trace: TracebackType | None) -> None:
    """Makes a message of the library printable; those of the user stay as they are."""
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None or is_user_code(trace.tb_frame.f_code):
        return
    if len(error.args) == 1 and isinstance(error.args[0], str):
        error.args = (printable(error.args[0], keep="\n\t"),)


def has_location(error: BaseException) -> bool:
    """Tells whether an error already has a location."""
    return _has(error, _LOCATED)


def replace_prefix(error: BaseException, old: str, new: str) -> None:
    """Replaces the prefix `old` of an error's message by `new`, if the message begins with it."""
    if type(error) in _PREFIXABLE and error.args and str(error.args[0]).startswith(old):
        error.args = (new + str(error.args[0]).removeprefix(old), *error.args[1:])


def trim_traceback(new: Exception, error: Exception) -> Exception:
    """Returns `new` with a traceback of the user's frames only.

    The cause is set as by `raise new from visible_cause(error)`. Callers can therefore write
    `raise locate_error(error, ...)` whether or not the error was replaced, instead of a bare
    `raise` in one branch and `raise ... from` in the other.

    Args:
        new: the error to raise; the original one, or its replacement.
        error: the error that was caught.
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
        # The new error has the frames. The original one keeps no traceback, since the frames would
        # keep their local variables alive.
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
    # A traceback is a linked list, built from its innermost entry.
    filtered: TracebackType | None = None
    for entry in reversed(_user_entries(trace)):
        filtered = TracebackType(filtered, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return filtered


def _user_entries(trace: TracebackType | None) -> list[TracebackType]:
    """Returns the entries of a traceback whose code belongs to the user's program."""
    entries = []
    while trace is not None:
        if is_user_code(trace.tb_frame.f_code):
            entries.append(trace)
        trace = trace.tb_next
    return entries


def _failing_location(error: BaseException) -> str:
    """Returns the innermost of the user's lines in the traceback, or ''."""
    entries = _user_entries(error.__traceback__)
    if not entries:
        return ""
    code = entries[-1].tb_frame.f_code
    name = code.co_qualname.rpartition("<locals>.")[2]
    function = "" if name == "<module>" else f"in {name} "
    return f"{function}(at {format_location(code, entries[-1].tb_lineno)})"


def _mentions(text: str, where: str) -> bool:
    """Tells whether a text contains the `file:line` of a location."""
    location = where.rpartition("(at ")[2].rstrip(")")
    return re.search(rf"(?<![\w./]){re.escape(location)}(?!\d)", text) is not None


def _has(error: BaseException, flag: str) -> bool:
    return flag in vars(error)


def _mark(error: BaseException, flag: str) -> None:
    vars(error)[flag] = True
