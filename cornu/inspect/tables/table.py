"""Tables with nested rows, to be written as text or as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from cornu.names import printable

__all__ = ["DisplayTable", "TableColumn", "TableRow"]


@dataclass(frozen=True)
class TableColumn:
    """A column.

    Attributes:
        title: the header.
        right: whether its cells are right-aligned.
        breaks: the kind of its cells, which decides which columns are wrapped first in a narrow
            table: "names" first, "shapes" next, "numbers" last.
    """

    title: str
    right: bool = False
    breaks: Literal["names", "shapes", "numbers"] = "numbers"


@dataclass(eq=False)
class TableRow:
    """A row.

    Attributes:
        cells: the text of each column; it is made printable, as names may come from files.
        children: the rows below it.
        heading: whether it is a heading of the rows below it.
        closed: whether the rows below it are initially hidden in HTML.
    """

    cells: list[str]
    children: list[TableRow] = field(default_factory=list)
    heading: bool = False
    closed: bool = False

    def __post_init__(self) -> None:
        self.cells = list(map(printable, self.cells))

    def walk(self, depth: int = 0) -> Iterator[tuple[int, TableRow]]:
        """Yields this row and those below it, each with its depth."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


@dataclass(eq=False)
class DisplayTable:
    """A title, columns, rows, and notes below."""

    title: str
    columns: list[TableColumn]
    lines: list[TableRow]
    notes: list[str]

    def __post_init__(self) -> None:
        self.title = printable(self.title)
        self.notes = list(map(printable, self.notes))

    def walk(self) -> Iterator[tuple[int, TableRow]]:
        """Yields all rows, each with its depth."""
        for line in self.lines:
            yield from line.walk()
