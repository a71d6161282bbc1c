"""Tables as text: for a terminal with colours, or plain."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cornu.inspect.tables.table import DisplayTable

__all__ = ["print_table", "to_text"]

_WIDTH = 100
_BORDER = 3  # what a column needs beside its text: a line and a space at both sides


def print_table(
    table: DisplayTable,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], Any] | None = None,
) -> None:
    """Prints a table: with colours if it goes to a terminal, otherwise as plain text.

    Args:
        table: the table.
        line_length: its width; by default no more than that of the terminal, or 100.
        positions: where the columns end, as parts of the width, rising to 1.
        print_fn: called with the text instead of `print`.
    """
    if print_fn is not None:
        print_fn(to_text(table, line_length, positions))
        return
    terminal = sys.stdout.isatty()
    most = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
    plain = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    print(to_text(table, line_length, positions, most, terminal, plain))


def to_text(
    table: DisplayTable,
    line_length: int | None = None,
    positions: Any = None,
    most: int = _WIDTH,
    colours: bool = False,
    ascii_only: bool = False,
) -> str:
    """Returns a table as text.

    Args:
        table: the table.
        line_length: its width; by default as wide as its text, but not more than `most`.
        positions: where the columns end, as parts of the width, rising to 1.
        most: the greatest width, if `line_length` is not given.
        colours: whether there are codes for colours in it.
        ascii_only: whether lines are drawn with ASCII characters.
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    rows = [(depth, line) for depth, line in table.walk()]
    cells = [[column.title for column in table.columns], *(line.cells for _, line in rows)]
    indents = [0, *(2 * depth for depth, _ in rows)]
    widths = _widths(table, cells, indents, line_length, positions, most)
    drawn = RichTable(
        header_style="bold",
        border_style="dim",
        box=box.ASCII if ascii_only else box.HEAVY_HEAD,
    )
    for column, width in zip(table.columns, widths, strict=True):
        justify: Any = "right" if column.right else "left"
        title = Text("\n".join(_wrapped(column.title, width, hang=0)))
        drawn.add_column(title, justify=justify, width=width, no_wrap=True)
    for (depth, line), row in zip(rows, cells[1:], strict=True):
        name = Text("\n".join(_wrapped(row[0], widths[0], 2 * depth)))
        name.stylize("bold cyan" if line.heading else "")
        rest = zip(row[1:], widths[1:], strict=True)
        drawn.add_row(name, *(Text("\n".join(_wrapped(cell, width))) for cell, width in rest))
    console = Console(
        width=max(line_length or most, sum(widths) + _BORDER * len(widths) + 1),
        force_jupyter=False,
        force_terminal=colours,
        color_system="standard" if colours else None,
        file=io.StringIO(),
        highlight=False,
    )
    with console.capture() as capture:
        console.print(Text(table.title, style="bold"))
        console.print(drawn)
        for note in table.notes:
            console.print(Text(f" {note}"))
    text = capture.get().rstrip("\n")
    if ascii_only:
        text = text.replace("µ", "u").encode("ascii", "replace").decode("ascii")
    return text


def _widths(
    table: DisplayTable,
    cells: Sequence[Sequence[str]],
    indents: Sequence[int],
    line_length: int | None,
    positions: Any,
    most: int,
) -> list[int]:
    """Returns the widths of the columns, narrowed where there is most to narrow."""
    count = len(cells[0])
    room = (line_length or most) - _BORDER * count - 1
    if positions is not None:
        ends = [*list(positions)[: count - 1], 1.0]
        return [max(1, int(room * (b - a))) for a, b in itertools.pairwise([0.0, *ends])]
    columns = [[row[i] for row in cells] for i in range(count)]
    columns[0] = [" " * indent + text for text, indent in zip(columns[0], indents, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    words = [max(map(_longest, column)) for column in columns]
    for step in range(5):
        least = [
            _least(column.breaks, step, width, word)
            for column, width, word in zip(table.columns, list(widths), words, strict=True)
        ]
        while sum(widths) > room:
            gain, i = max((widths[i] - least[i], i) for i in range(count))
            if gain <= 0:
                break
            widths[i] -= 1
    if line_length is not None and sum(widths) < room:
        widths[-1] += room - sum(widths)
    return widths


def _least(breaks: str, step: int, width: int, word: int) -> int:
    """Returns how narrow a column may become in a step: names first, shapes next, numbers last."""
    if breaks == "names":
        return min(width, (word, word, max(word * 3 // 4, 16), 12, 3)[step])
    if breaks == "shapes":
        return min(width, (width, max(word, width // 2 + 3), width, word, 3)[step])
    return min(width, (width, width, width, width, 3)[step])


def _longest(text: str) -> int:
    """Returns the width that the longest word needs, further in if it is not the first."""
    indent = len(text) - len(text.lstrip())
    first, *rest = text.lstrip().split(" ")
    return indent + max([len(first), *(len(word) + 2 for word in rest)])


def _wrapped(text: str, width: int, indent: int = 0, hang: int = 2) -> list[str]:
    """Returns the lines of a cell; what does not fit goes on a little further in."""
    indent = min(indent, max(width - 8, 0))
    lines: list[str] = []
    line = " " * indent
    start = len(line)
    for word in text.split(" "):
        while True:
            joined = word if len(line) == start else f" {word}"
            if len(line) + len(joined) <= width:
                line += joined
                break
            if len(line) > start:
                lines.append(line)
            else:
                cut = max(width - start, 1)
                lines.append(line + word[:cut])
                word = word[cut:]
            line = " " * min(indent + hang, max(width - 4, 0))
            start = len(line)
    return [*lines, line]
