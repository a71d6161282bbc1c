"""Errors and warnings.

Only built-in exception types are raised, so programs can catch them without importing cornu's:

    ValueError      a value, shape or name that is not valid
    TypeError       an object of the wrong kind
    RuntimeError    a valid call in an invalid state (an unbuilt layer, a leaked value)
    KeyError / IndexError / AttributeError / FileNotFoundError / ImportError: as in Python

A probable mistake emits a `ModelWarning`.

A message contains the problem, what was expected and received, the remedy, and the location (the
layer path and the user's file:line).
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

_MAX_NAMES = 30  # that a message lists


class ModelWarning(UserWarning):
    """Warning about a probable mistake in a model, its data or its training.

    Attributes:
        code: the code of the check, such as "C012", which `cornu.config.silence` accepts; see
            `docs/checks.md`.

    Example:

    >>> import warnings
    >>> warnings.filterwarnings("ignore", message="C012", category=ModelWarning)
    """

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


def warn(code: str, text: str, stacklevel: int = 2) -> None:
    """Emits a `ModelWarning`, unless its code is silenced.

    Args:
        code: the code of the check.
        text: the message.
        stacklevel: as for `warnings.warn`, counted from the caller of this function.
    """
    if code not in settings.get("silenced"):
        warnings.warn(ModelWarning(f"{code} {text}", code), stacklevel=stacklevel + 1)


def did_you_mean(name: object, known: Iterable[object]) -> str:
    """Returns "Did you mean ...?" with similar names, or '' if no known name is similar."""
    similar = difflib.get_close_matches(str(name), [str(item) for item in known], n=3)
    return f"Did you mean {' or '.join(map(repr, similar))}?" if similar else ""


def suggest(name: object, known: Iterable[object]) -> str:
    """Returns "Did you mean ...?" with similar names, or the list of known names."""
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
    """Returns the error to use as the cause of its translation; None if tracebacks are filtered.

    Python prints the cause before an error. The original error is always available as
    `__context__`.
    """
    return None if settings.get("traceback_filtering") else error
