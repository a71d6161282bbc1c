"""How cornu says what is wrong.

Only built-in exception types are raised, so that no program needs to import anything from here:

    ValueError      a value, shape or name that does not fit
    TypeError       an object of the wrong kind
    RuntimeError    the right thing at the wrong time (an unbuilt layer, a stale Variable)
    KeyError / IndexError / AttributeError / FileNotFoundError / ImportError: as in Python

What is only probably wrong is a `ModelWarning`.

A message has three parts: where (layer path, the user's file:line), what was expected and what
was received, and what to do.
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable

from cornu import settings

__all__ = [
    "ModelWarning",
    "did_you_mean",
    "message",
    "missing_package",
    "suggest",
    "visible_cause",
    "warn",
]

_MANY = 30  # names that someone may read


class ModelWarning(UserWarning):
    """Says what is probably wrong with a model, its data or how it is trained.

    Attributes:
        code: what silences it, such as "C012"; see `docs/checks.md`.

    Example:

    >>> import warnings
    >>> warnings.filterwarnings("ignore", message="C012", category=ModelWarning)
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def warn(code: str, text: str, stacklevel: int = 2) -> None:
    """Warns of something with a code, unless `cornu.config.silence(code)` was called."""
    if code not in settings.get("silenced"):
        warnings.warn(ModelWarning(f"{code} {text}", code), stacklevel=stacklevel + 1)


def message(where: str, what: str, todo: str = "") -> str:
    """Joins the three parts of a message."""
    text = f"{where}: {what}" if where else what
    return f"{text}\n{todo}" if todo else text


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Returns a 'Did you mean ...?', or '' if nothing known is close."""
    near = difflib.get_close_matches(str(name), [str(item) for item in known], n=3)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def suggest(name: object, known: Iterable[object]) -> str:
    """Returns a 'Did you mean ...?' or the list of what is known."""
    names = [str(item) for item in known]
    hint = did_you_mean(name, names)
    if hint:
        return hint
    more = f", and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return f"Known: {', '.join(names[:_MANY])}{more}." if names else "There are none."


def missing_package(package: str, extra: str, purpose: str) -> ImportError:
    """Returns the error for an optional package that is not installed."""
    return ImportError(
        f"{purpose} needs the package {package!r}, which is not installed. "
        f"Install it with: pip install 'cornu[{extra}]'"
    )


def visible_cause(error: Exception) -> Exception | None:
    """Returns what to raise a translated error from, so that the translation is read first.

    The original is not lost: it is the `__context__`, and it is told before the translation where
    tracebacks are not filtered.
    """
    return None if settings.get("traceback_filtering") else error
