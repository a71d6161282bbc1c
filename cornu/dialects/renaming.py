"""Arguments with the names of an older version, which are accepted with a warning."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from cornu.core.tracebacks.user_frames import user_stacklevel

__all__ = ["rename_arguments", "warn_about"]


def rename_arguments(call: str, given: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Returns keyword arguments with new names, and warns if there were old ones.

    Args:
        call: the name of the function, for the warning.
        given: the arguments.
        names: the new name of each old one.
    """
    old = [name for name in given if name in names]
    if old:
        pairs = ", ".join(f"{name} is {names[name]}" for name in old)
        warn_about(f"{call} was called with arguments of Keras 1: in Keras 2, {pairs}.")
    return {names.get(name, name): value for name, value in given.items()}


def warn_about(message: str) -> None:
    """Warns about an old spelling, at the line of the program."""
    warnings.warn(message, UserWarning, stacklevel=user_stacklevel())
