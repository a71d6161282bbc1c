"""How cornu says what is wrong.

Only built-in exception types are raised, so that no program needs to import anything from here:

    ValueError      a value, shape or name that does not fit
    TypeError       an object of the wrong kind
    RuntimeError    the right thing at the wrong time (an unbuilt layer, a stale Variable)
    KeyError / IndexError / AttributeError / FileNotFoundError / ImportError: as in Python

A message has three parts: where (layer path, the user's file:line), what was expected and what
was received, and what to do.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = ["close", "message", "need", "suggest"]


_MANY = 30  # names that someone may read


def message(where: str, what: str, todo: str = "") -> str:
    """Joins the three parts of a message."""
    text = f"{where}: {what}" if where else what
    return f"{text}\n{todo}" if todo else text


def close(name: object, known: Iterable[object]) -> str:
    """Returns a 'Did you mean ...?', or '' if nothing known is close."""
    near = difflib.get_close_matches(str(name), [str(item) for item in known], n=3)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def suggest(name: object, known: Iterable[object]) -> str:
    """Returns a 'Did you mean ...?' or the list of what is known."""
    names = [str(item) for item in known]
    hint = close(name, names)
    if hint:
        return hint
    more = f", and {len(names) - _MANY} more" if len(names) > _MANY else ""
    return f"Known: {', '.join(names[:_MANY])}{more}." if names else "There are none."


def need(package: str, extra: str, purpose: str) -> ImportError:
    """Returns the error for an optional package that is not installed."""
    return ImportError(
        f"{purpose} needs the package {package!r}, which is not installed. "
        f"Install it with: pip install 'cornu[{extra}]'"
    )
