"""Reads the tables and sentences of pages that other scripts write."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["ROOT", "Row", "count", "find", "number", "rows"]

ROOT = Path(__file__).parents[2]

Row = dict[str, str]


def rows(page: str, *columns: str) -> list[Row]:
    """Returns the rows of all tables of a page that have some columns.

    Args:
        page: the path of the page from the root of the project.
        columns: names of columns; of equal names in one table, the first counts.

    Raises:
        ValueError: no table has them.
    """
    found: list[Row] = []
    head: list[str] = []
    for line in (ROOT / page).read_text(encoding="utf-8").splitlines():
        if not line.startswith("|"):
            head = []
        elif not head:
            head = _cells(line)
        elif set(columns) <= set(head) and not line.startswith(("| --", "|--")):
            found.append(dict(reversed([*zip(head, _cells(line), strict=True)])))
    if not found:
        raise ValueError(f"{page} has no table with the columns {', '.join(columns)}.")
    return found


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def find(page: str, pattern: str) -> tuple[int, ...]:
    """Returns the integers of a sentence of a page.

    Args:
        page: the path of the page from the root of the project.
        pattern: a regular expression, whose spaces match line breaks; each group is an integer.

    Raises:
        ValueError: no sentence matches.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    match = re.search(pattern.replace(" ", r"\s+"), text)
    if match is None:
        raise ValueError(f"{page} has no sentence {pattern!r}.")
    return tuple(int(group.replace(",", "")) for group in match.groups())


def number(text: str) -> float:
    """Returns the number in a cell, such as "1,234" or "**7**"."""
    return float(text.replace(",", "").strip("*% "))


def count(table: list[Row], column: str, value: str) -> int:
    """Returns how many rows have a value in a column."""
    return sum(row[column] == value for row in table)
