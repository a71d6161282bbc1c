"""Notes on the modern form of each old class at its first use."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

__all__ = ["Call", "enable_notes", "note_once"]

# The arguments of a call: by position, and by name.
Call = tuple[tuple[Any, ...], dict[str, Any]]

_noted: set[tuple[str, str]] = set()
_notes: dict[str, bool] = {"enabled": False}
_MAX_VALUE = 40  # characters of a value in a note


def enable_notes() -> None:
    """Prints the modern form of each old class at its first use, to the error output."""
    _notes["enabled"] = True


def note_once(
    names: tuple[str, str], call: Call, target: Callable[..., Any], new: dict[str, Any]
) -> None:
    """Prints how a call is written today, once for each class, if notes are enabled.

    Args:
        names: the names of the version and of the old class.
        call: the arguments of the call.
        target: the class of today.
        new: its arguments.
    """
    if not _notes["enabled"] or names in _noted:
        return
    _noted.add(names)
    known = inspect.signature(target).parameters
    changed = {
        name: value
        for name, value in new.items()
        if name not in ("name", "trainable")
        and (name not in known or known[name].default is not value and known[name].default != value)
    }
    args = ", ".join([*map(_shorten, call[0]), *_as_keywords(call[1])])
    modern = ", ".join(_as_keywords(changed))
    line = f"{names[1]}({args}) is today cornu.layers.{target.__name__}({modern})"
    print(f"note: {line}", file=sys.stderr)


def _as_keywords(arguments: dict[str, Any]) -> list[str]:
    return [f"{name}={_shorten(value)}" for name, value in arguments.items()]


def _shorten(value: Any) -> str:
    text = getattr(value, "__name__", None) or repr(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}..."
