"""Keywords that constructors do not take: the message names the present or a similar one."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from cornu.errors import suggest_argument
from cornu.names import is_library_class
from cornu.renamed import is_old_name_of

__all__ = ["check_keywords"]

# Library class -> whether each keyword of its constructor is required, and whether it takes others.
_keywords: dict[type, tuple[Mapping[str, bool], bool]] = {}


def check_keywords(cls: type, kwargs: Mapping[str, Any]) -> None:
    """Raises an error if the constructor of a class of the library does not take a keyword.

    Python's own message does not say what the arguments are. If the keyword was the old name of a
    required argument, it even says that the argument is missing.

    Raises:
        TypeError: there is such a keyword.
    """
    accepted = _keywords.get(cls)
    if accepted is None:
        if not is_library_class(cls):
            return
        accepted = _keywords[cls] = _read_keywords(cls)
    known, is_open = accepted
    for name in kwargs:
        if name in known:
            continue
        # The constructor itself, or that of a base class, checks the others.
        if is_open and not any(
            required and is_old_name_of(name, new) for new, required in known.items()
        ):
            continue
        raise TypeError(f"{cls.__name__} has no argument {name!r}. {suggest_argument(name, known)}")


def _read_keywords(cls: type) -> tuple[dict[str, bool], bool]:
    """Returns whether each keyword of a constructor is required, and whether it takes others."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]  # type: ignore[misc]
    by_keyword = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known = {p.name: p.default is p.empty for p in parameters if p.kind in by_keyword}
    return known, any(p.kind is p.VAR_KEYWORD for p in parameters)
