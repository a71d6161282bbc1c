"""Tables as text: with colors for a terminal, or plain."""

from __future__ import annotations

import io
import itertools
import shutil
import sys
from collections.abc import Callable, Sequence
from typing import Any

from cornu.inspect.tables.table import DisplayTable
from cornu.process import job

__all__ = ["print_table", "to_text"]

_WIDTH = 100
_BORDER = 3  # the border of a column: a line, and a space on both sides


def print_table(
    table: DisplayTable,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    print_fn: Callable[[str], Any] | None = None,
) -> None:
    """Prints a table: with colors in a terminal, otherwise as plain text.

    Of several processes that train one model, the first one prints it.

    Args:
        table: the table.
        line_length: its width; by default at max_width the width of the terminal, or 100.
        positions: the ends of the columns, as increasing fractions of the width up to 1.
        print_fn: called with the text instead of `print`.
    """
    if print_fn is not None:
        print_fn(to_text(table, line_length, positions))
        return
    if not job.is_first():
        return
    terminal = sys.stdout.isatty()
    max_width = shutil.get_terminal_size((_WIDTH, 24)).columns if terminal else _WIDTH
    plain = not (sys.stdout.encoding or "utf-8").lower().startswith("utf")
    print(to_text(table, line_length, positions, max_width, terminal, plain))


def to_text(
    table: DisplayTable,
    line_length: int | None = None,
    positions: Sequence[float] | None = None,
    max_width: int = _WIDTH,
    colors: bool = False,
    ascii_only: bool = False,
) -> str:
    """Returns a table as text.

    Args:
        table: the table.
        line_length: its width; by default the width of its text, at max_width `max_width`.
        positions: the ends of the columns, as increasing fractions of the width up to 1.
        max_width: the greatest width, if `line_length` is not given.
        colors: whether the text contains ANSI color codes.
        ascii_only: whether borders are ASCII characters.
    """
    # Imported late, so that `import cornu` stays fast.
    from rich import box
    from rich.console import Console
    from rich.table import Table as RichTable
    from rich.text import Text

    rows = [(depth, line) for depth, line in table.walk()]
    cells = [[column.title for column in table.columns], *(line.cells for _, line in rows)]
    indents = [0, *(2 * depth for depth, _ in rows)]
    widths = _widths(table, cells, indents, line_length, positions, max_width)
    rich_table = RichTable(
        header_style="bold",
        border_style="dim",
        box=box.ASCII if ascii_only else box.HEAVY_HEAD,
    )
    for column, width in zip(table.columns, widths, strict=True):
        justify: Any = "right" if column.right else "left"
        title = Text("\n".join(_wrap(column.title, width, hang=0)))
        rich_table.add_column(title, justify=justify, width=width, no_wrap=True)
    for (depth, line), row in zip(rows, cells[1:], strict=True):
        name = Text("\n".join(_wrap(row[0], widths[0], 2 * depth)))
        name.stylize("bold cyan" if line.heading else "")
        rest = zip(row[1:], widths[1:], strict=True)
        rich_table.add_row(name, *(Text("\n".join(_wrap(cell, width))) for cell, width in rest))
    console = Console(
        width=max(line_length or max_width, sum(widths) + _BORDER * len(widths) + 1),
        force_jupyter=False,
        force_terminal=colors,
        color_system="standard" if colors else None,
        file=io.StringIO(),
        highlight=False,
    )
    with console.capture() as capture:
        console.print(Text(table.title, style="bold"))
        console.print(rich_table)
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
    positions: Sequence[float] | None,
    max_width: int,
) -> list[int]:
    """Returns the widths of the columns; the widest columns are narrowed first."""
    count = len(cells[0])
    available = (line_length or max_width) - _BORDER * count - 1
    if positions is not None:
        ends = [*list(positions)[: count - 1], 1.0]
        return [max(1, int(available * (b - a))) for a, b in itertools.pairwise([0.0, *ends])]
    columns = [[row[i] for row in cells] for i in range(count)]
    columns[0] = [" " * indent + text for text, indent in zip(columns[0], indents, strict=True)]
    widths = [max(map(len, column)) for column in columns]
    words = [max(map(_longest_word, column)) for column in columns]
    # Columns are narrowed in rounds, first those that wrap best; `_minimum_width` has the order.
    for step in range(5):
        least = [
            _minimum_width(column.breaks, step, width, word)
            for column, width, word in zip(table.columns, list(widths), words, strict=True)
        ]
        while sum(widths) > available:
            gain, i = max((widths[i] - least[i], i) for i in range(count))
            if gain <= 0:
                break
            widths[i] -= 1
    if line_length is not None and sum(widths) < available:
        widths[-1] += available - sum(widths)
    return widths


def _minimum_width(breaks: str, step: int, width: int, word: int) -> int:
    """Returns the least width of a column in a step: names shrink first, numbers last."""
    if breaks == "names":
        return min(width, (word, word, max(word * 3 // 4, 16), 12, 3)[step])
    if breaks == "shapes":
        return min(width, (width, max(word, width // 2 + 3), width, word, 3)[step])
    return min(width, (width, width, width, width, 3)[step])


def _longest_word(text: str) -> int:
    """Returns the width of the longest word, with the indent of continuation lines."""
    indent = len(text) - len(text.lstrip())
    first, *rest = text.lstrip().split(" ")
    return indent + max([len(first), *(len(word) + 2 for word in rest)])


def _wrap(text: str, width: int, indent: int = 0, hang: int = 2) -> list[str]:
    """Returns the lines of a cell, with a hanging indent."""
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
