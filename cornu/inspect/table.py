"""Table: rows in a tree, to be written as text or as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["Column", "Line", "Table"]


@dataclass(frozen=True)
class Column:
    """A column: its title, and whether its cells stand at the right."""

    title: str
    right: bool = False


@dataclass(eq=False)
class Line:
    """A row.

    Attributes:
        cells: the text of each column.
        children: the rows below it.
        heading: whether it stands for what is below it, rather than beside it.
    """

    cells: list[str]
    children: list[Line] = field(default_factory=list)
    heading: bool = False

    def walk(self, depth: int = 0) -> Iterator[tuple[int, Line]]:
        """Yields this row and those below it, each with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(eq=False)
class Table:
    """A title, columns, rows, and notes below."""

    title: str
    columns: list[Column]
    lines: list[Line]
    notes: list[str]

    def walk(self) -> Iterator[tuple[int, Line]]:
        """Yields all rows, each with its depth."""
        for line in self.lines:
            yield from line.walk()
