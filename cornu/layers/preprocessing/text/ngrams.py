"""Standardization and splitting of texts, and n-grams of words."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["CLEANINGS", "SPLITTINGS", "groups", "rows_of"]

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_BARE = dict.fromkeys(map(ord, string.punctuation), "")
# `str.split` would also split at the spaces of Unicode, such as the no-break space.
_WORD = re.compile(r"[^ \t\n\v\f\r]+")

# Translation tables. Letters beyond ASCII keep their case, as in TensorFlow.
CLEANINGS: dict[str, dict[int, Any]] = {
    "lower_and_strip_punctuation": _LOWER | _BARE,
    "lower": _LOWER,
    "strip_punctuation": _BARE,
}
SPLITTINGS: dict[str, Callable[[str], list[str]]] = {"whitespace": _WORD.findall, "character": list}


def groups(words: list[str], widths: Sequence[int]) -> list[str]:
    """Returns the n-grams of words, for each n of `widths`.

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
    """Converts the result of a user-defined `split` function to a list of words for each text."""
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
            f"{label}: split must return a list of words for each text. Received: "
            f"{type(x).__name__} of {type(other).__name__}\n"
            "Return a list of lists: [text.split(',') for text in texts]."
        )
    return [[w.decode() if isinstance(w, bytes) else str(w) for w in row] for row in rows]
