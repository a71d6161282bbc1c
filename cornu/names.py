"""Names of objects that the user did not name: `dense`, `dense_1`, ..."""

from __future__ import annotations

import re
from collections import Counter

__all__ = ["auto_name", "reset", "snake_case", "unique"]

_counts: Counter[str] = Counter()


def snake_case(name: str) -> str:
    """Turns a class name into a lower-case name with underscores.

    Example:

    >>> snake_case("Conv2DTranspose"), snake_case("LSTM")
    ('conv2d_transpose', 'lstm')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """Returns `prefix` the first time, then `prefix_1`, `prefix_2`, ..."""
    prefix = snake_case(prefix)
    count = _counts[prefix]
    _counts[prefix] += 1
    return prefix if count == 0 else f"{prefix}_{count}"


def unique(name: str, taken: set[str]) -> str:
    """Returns `name`, with a number behind it if `taken` holds it already; adds it to `taken`."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}_{number}"
    taken.add(candidate)
    return candidate


def reset() -> None:
    """Starts all counts again."""
    _counts.clear()
