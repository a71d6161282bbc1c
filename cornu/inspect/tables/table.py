"""Table: rows in a tree, to be written as text or as HTML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["TableColumn", "TableRow", "DisplayTable"]


@dataclass(frozen=True)
class TableColumn:
    """A column.

    Attributes:
        title: what stands above.
        right: whether its cells stand at the right.
        breaks: what is in it, which tells when cells are broken if there is too little room:
            "names" first, "shapes" next, "numbers" last.
    """

    title: str
    right: bool = False
    breaks: str = "numbers"


@dataclass(eq=False)
class TableRow:
    """A row.

    Attributes:
        cells: the text of each column.
        children: the rows below it.
        heading: whether it stands for what is below it, rather than beside it.
        closed: whether what is below it is hidden at first, where that is possible.
    """

    cells: list[str]
    children: list[TableRow] = field(default_factory=list)
    heading: bool = False
    closed: bool = False

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

    def walk(self) -> Iterator[tuple[int, TableRow]]:
        """Yields all rows, each with its depth."""
        for line in self.lines:
            yield from line.walk()
