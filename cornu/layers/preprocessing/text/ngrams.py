"""Standardization and splitting of texts, and n-grams of words."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

__all__ = ["CLEANINGS", "SPLITTINGS", "Cleaning", "groups", "rows_of", "split_at_spaces"]

_SPACES = re.compile(r"[^ \t\n\v\f\r]+")
_SEPARATORS = ("\x1c", "\x1d", "\x1e", "\x1f")


class Cleaning(NamedTuple):
    """The standardization of texts: a translation of ASCII characters.

    Letters beyond ASCII keep their case, as in TensorFlow.

    Attributes:
        table: the new character of each character, as `bytes.translate` takes it.
        deleted: the characters that are deleted.

    Example:

    >>> CLEANINGS["lower_and_strip_punctuation"].apply("Ünder the SEA!")
    'Ünder the sea'
    """

    table: bytes
    deleted: bytes

    def apply(self, text: str) -> str:
        """Returns a text with its characters replaced."""
        # In UTF-8, bytes below 128 are ASCII characters. `bytes.translate` takes a twentieth of
        # the time of `str.translate`. Texts may contain surrogates, which have no encoding.
        data = text.encode("utf-8", "surrogatepass").translate(self.table, self.deleted)
        return data.decode("utf-8", "surrogatepass")


def split_at_spaces(text: str) -> list[str]:
    """Splits a text at the white space of ASCII.

    Example:

    >>> split_at_spaces(" to\\tbe ")
    ['to', 'be']
    """
    # `str.split` is faster, but also splits at the white space of Unicode, such as the no-break
    # space, and at four separators of ASCII.
    if text.isascii() and not any(mark in text for mark in _SEPARATORS):
        return text.split()
    return _SPACES.findall(text)


_SAME = bytes(range(256))
_LOWER = bytes.maketrans(string.ascii_uppercase.encode(), string.ascii_lowercase.encode())
_PUNCTUATION = string.punctuation.encode()

CLEANINGS = {
    "lower_and_strip_punctuation": Cleaning(_LOWER, _PUNCTUATION),
    "lower": Cleaning(_LOWER, b""),
    "strip_punctuation": Cleaning(_SAME, _PUNCTUATION),
}
SPLITTINGS: dict[str, Callable[[str], list[str]]] = {
    "whitespace": split_at_spaces,
    "character": list,
}


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
