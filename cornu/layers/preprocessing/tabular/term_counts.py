"""Term counts and document counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import chain
from typing import Any

import numpy as np

__all__ = ["Counts"]


class Counts:
    """Counts the occurrences of terms in a data set.

    Args:
        in_rows: whether to count the rows that contain each term as well.

    Attributes:
        terms: the number of occurrences of each term.
        documents: the number of rows that contain each term.
        rows: the number of rows.

    Example:

    >>> counts = Counts(in_rows=True)
    >>> counts.add([["a", "b", "b"], ["a"]])
    >>> counts.ranked(without=["c"]), f"{counts.idf(['b'])[0]:.3f}"
    (['b', 'a'], '0.693')
    """

    def __init__(self, in_rows: bool) -> None:
        self.in_rows = in_rows
        self.terms: Counter[Any] = Counter()
        self.documents: Counter[Any] = Counter()
        self.rows = 0

    def add(self, rows: Iterable[list[Any]]) -> None:
        """Counts the terms of rows."""
        rows = list(rows)
        self.terms.update(chain.from_iterable(rows))
        if self.in_rows:
            self.documents.update(chain.from_iterable(map(set, rows)))
            self.rows += len(rows)

    def add_all(self, terms: np.ndarray) -> None:
        """Counts all terms of an array, but not rows."""
        if terms.dtype.kind == "O":
            self.terms.update(terms.ravel().tolist())
        else:
            values, counts = np.unique(terms, return_counts=True)
            self.terms.update(dict(zip(values.tolist(), counts.tolist(), strict=True)))

    def ranked(self, without: list[Any]) -> list[Any]:
        """Returns the terms by decreasing frequency; those of equal frequency in reverse order."""
        terms = [term for term in self.terms if term not in without]
        return sorted(terms, key=lambda term: (self.terms[term], term), reverse=True)

    def idf(self, terms: list[Any]) -> np.ndarray:
        """Returns inverse document frequencies: log(1 + rows / (1 + rows that have the term))."""
        seen = np.array([self.documents[term] for term in terms])
        return np.log1p(self.rows / (1 + seen)).astype("float32")
