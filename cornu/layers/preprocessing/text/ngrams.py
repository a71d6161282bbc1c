"""Texts into words: cleaned, split, and joined to groups of neighbours."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["CLEANINGS", "SPLITTINGS", "groups", "rows_of"]

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BARE = dict.fromkeys(map(ord, string.punctuation), "")
_WORD = re.compile(r"[^ \t\n\v\f\r]+")

# What is done to each character. Letters beyond ASCII keep their case, as in TensorFlow.
CLEANINGS: dict[str, dict[int, Any]] = {
    "lower_and_strip_punctuation": _LOWER | _BARE,
    "lower": _LOWER,
    "strip_punctuation": _BARE,
}
SPLITTINGS: dict[str, Callable[[str], list[str]]] = {"whitespace": _WORD.findall, "character": list}


def groups(words: list[str], widths: Sequence[int]) -> list[str]:
    """Returns the groups of neighbouring words, for one width after another.

    Example:

    >>> groups(["a", "b", "c"], (1, 2))
    ['a', 'b', 'c', 'a b', 'b c']
    """
    return [
        " ".join(words[start : start + width])
        for width in widths
        for start in range(len(words) - width + 1)
    ]


def rows_of(x: Any, label: str) -> list[list[str]]:
    """Returns what a program's own function split texts into, as a list of words for each text."""
    if hasattr(x, "to_list"):  # a ragged tensor
        x = x.to_list()
    if hasattr(x, "tolist"):
        x = x.tolist()
    elif hasattr(x, "numpy"):
        x = x.numpy().tolist()
    rows = [list(row) for row in x if isinstance(row, (list, tuple, np.ndarray))]
    if len(rows) < len(x):
        other = next(row for row in x if not isinstance(row, (list, tuple, np.ndarray)))
        raise TypeError(
            f"{label}: split must return the words of each text. Received: {type(x).__name__} of "
            f"{type(other).__name__}\n"
            "Return a list of lists: [text.split(',') for text in texts]."
        )
    return [[w.decode() if isinstance(w, bytes) else str(w) for w in row] for row in rows]
