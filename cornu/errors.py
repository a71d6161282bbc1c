"""Errors and warnings.

Only built-in exception types are raised, so that programs need not import any from here:

    ValueError      a value, shape or name that is not valid
    TypeError       an object of the wrong kind
    RuntimeError    a valid call in the wrong state (an unbuilt layer, a leaked value)
    KeyError / IndexError / AttributeError / FileNotFoundError / ImportError: as in Python

Probable mistakes raise a `ModelWarning`.

A message says what is wrong, what was expected and received, what to do, and where (layer path,
the user's file:line).
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterable

from cornu import settings

__all__ = [
    "ModelWarning",
    "did_you_mean",
    "missing_package",
    "suggest",
    "visible_cause",
    "warn",
]

_MAX_NAMES = 30  # more are not listed in a message


class ModelWarning(UserWarning):
    """Warning of a probable mistake in a model, its data or its training.

    Attributes:
        code: the code by which it is silenced, such as "C012"; see `docs/checks.md`.

    Example:

    >>> import warnings
    >>> warnings.filterwarnings("ignore", message="C012", category=ModelWarning)
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def warn(code: str, text: str, stacklevel: int = 2) -> None:
    """Emits a `ModelWarning`, unless `cornu.config.silence(code)` was called."""
    if code not in settings.get("silenced"):
        warnings.warn(ModelWarning(f"{code} {text}", code), stacklevel=stacklevel + 1)


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Returns a 'Did you mean ...?', or '' if no known name is similar."""
    near = difflib.get_close_matches(str(name), [str(item) for item in known], n=3)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def suggest(name: object, known: Iterable[object]) -> str:
    """Returns a 'Did you mean ...?', or the list of known names."""
    names = [str(item) for item in known]
    hint = did_you_mean(name, names)
    if hint:
        return hint
    more = f", and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"Known: {', '.join(names[:_MAX_NAMES])}{more}." if names else "There are none."


def missing_package(package: str, extra: str, purpose: str) -> ImportError:
    """Returns the error for an optional package that is not installed."""
    return ImportError(
        f"{purpose} needs the package {package!r}, which is not installed. "
        f"Install it with: pip install 'cornu[{extra}]'"
    )


def visible_cause(error: Exception) -> Exception | None:
    """Returns the cause of a translated error: None if tracebacks are filtered.

    The original error remains available as `__context__`. With unfiltered tracebacks it is shown
    before the translation.
    """
    return None if settings.get("traceback_filtering") else error
