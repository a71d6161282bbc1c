"""Tables as text: for a terminal with colours, or plain."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
from collections.abc import Callable
from typing import Any

from cornu.inspect.table import Table

__all__ = ["print_table", "to_text"]

_WIDTH = 100


def print_table(
    table: Table,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], Any] | None = None,
) -> None:
    """Prints a table: with colours if it goes to a terminal, otherwise as plain text.

    Args:
        table: the table.
        line_length: its width; that of the terminal, or 100, by default.
        positions: where the columns end, as parts of the width, rising to 1.
        print_fn: called with the text instead of `print`.
    """
    terminal = print_fn is None and sys.stdout.isatty()
    if line_length is None and terminal:
        line_length = shutil.get_terminal_size((_WIDTH, 24)).columns
    (print_fn or print)(to_text(table, line_length, positions, terminal))


def to_text(
    table: Table, line_length: int | None = None, positions: Any = None, colours: bool = False
) -> str:
    """Returns a table as text."""
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(
        show_lines=False,
        width=line_length if positions is not None else None,
        header_style="bold",
        border_style="dim",
    )
    ratios = _ratios(positions, len(table.columns))
    for column, ratio in zip(table.columns, ratios, strict=True):
        drawn.add_column(
            column.title,
            justify="right" if column.right else "left",
            ratio=ratio,
            overflow="fold",
            no_wrap=False,
        )
    for depth, line in table.walk():
        first, *rest = line.cells
        name = Text("  " * depth + first)
        if line.heading:
            name.stylize("bold cyan")
        else:
            start = first.find(" (")
            if start >= 0:
                name.stylize("dim", len("  " * depth) + start)
        drawn.add_row(name, *(Text(cell) for cell in rest))
    console = Console(
        width=line_length or _WIDTH,
        force_jupyter=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
        file=io.StringIO(),
        highlight=False,
    )
    console.print(Text(table.title, style="bold"))
    console.print(drawn)
    for note in table.notes:
        console.print(Text(f" {note}"))
    written = console.file.getvalue()  # type: ignore[attr-defined]
    return str(written).rstrip("\n")


def _ratios(positions: Any, count: int) -> list[int | None]:
    if positions is None:
        return [None] * count
    ends = [*positions, 1.0][:count]
    return [max(1, round(100 * (b - a))) for a, b in itertools.pairwise([0.0, *ends])]
