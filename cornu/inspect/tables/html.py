"""Tables as self-contained HTML: rows fold without scripts, in light and dark mode."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow

__all__ = ["to_html"]

# Colors derive from the page (`currentColor`), so the table suits light and dark pages.
_STYLE = """
.cornu-table{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:inherit;
 border:1px solid color-mix(in srgb,currentColor 25%,transparent);border-radius:6px;
 overflow-x:auto;max-width:100%;width:fit-content;margin:6px 0}
.cornu-table .row{display:grid;align-items:baseline;padding:1px 10px;
 border-top:1px solid color-mix(in srgb,currentColor 10%,transparent)}
.cornu-table .title{padding:5px 10px;font-weight:bold}
.cornu-table .head{font-weight:bold;background:color-mix(in srgb,currentColor 8%,transparent)}
.cornu-table .row span{padding-right:16px;overflow-wrap:anywhere;text-align:left}
.cornu-table .row span.r{text-align:right}
.cornu-table details>summary{cursor:pointer;list-style:none}
.cornu-table details>summary::-webkit-details-marker{display:none}
.cornu-table details>summary .m::before{content:"\\25B8";opacity:.7}
.cornu-table details[open]>summary .m::before{content:"\\25BE"}
.cornu-table .m{display:inline-block;width:1.2em}
.cornu-table .heading{font-weight:600}
.cornu-table summary.row:hover,.cornu-table div.row:hover{
 background:color-mix(in srgb,currentColor 6%,transparent)}
.cornu-table i{font-style:normal;opacity:.6}
.cornu-table .notes{padding:5px 10px;border-top:1px solid
 color-mix(in srgb,currentColor 25%,transparent)}
""".replace("\n", "")


def to_html(table: DisplayTable, opened: int = 12) -> str:
    """Returns a table as HTML.

    Args:
        table: the table.
        opened: a row is initially open if it has at most this many rows below it.
    """
    widths = f"grid-template-columns:{_widths(table)}"
    head = "".join(_cell(column, escape(column.title)) for column in table.columns)
    body = "".join(_line(line, table.columns, 0, widths, opened) for line in table.lines)
    notes = "<br>".join(escape(note) for note in table.notes)
    return (
        f'<div class="cornu-table"><style>{_STYLE}</style>'
        f'<div class="title">{escape(table.title)}</div>'
        f'<div class="row head" style="{widths}">{head}</div>{body}'
        f'<div class="notes">{notes}</div></div>'
    )


def _widths(table: DisplayTable) -> str:
    """Returns the width of each column in characters, equal in all rows."""
    widths = [len(column.title) for column in table.columns]
    for depth, line in table.walk():
        for i, cell in enumerate(line.cells):
            widths[i] = max(widths[i], len(cell) + (2 * depth + 3 if i == 0 else 0))
    most = [64, *[40] * (len(widths) - 1)]
    return " ".join(f"calc({min(w, m)}ch + 18px)" for w, m in zip(widths, most, strict=True))


def _line(
    line: TableRow, columns: Sequence[TableColumn], depth: int, widths: str, opened: int
) -> str:
    cells = [escape(cell) for cell in line.cells]
    name, bracket, kind = cells[0].partition(" (")
    cells[0] = f"{name} <i>({kind}</i>" if bracket else name
    indent = f'<b class="m" style="margin-left:{2 * depth}ch"></b>'
    shown = "".join(
        _cell(column, indent + cell if i == 0 else cell)
        for i, (column, cell) in enumerate(zip(columns, cells, strict=True))
    )
    style = " heading" if line.heading else ""
    if not line.children:
        return f'<div class="row{style}" style="{widths}">{shown}</div>'
    inner = "".join(_line(child, columns, depth + 1, widths, opened) for child in line.children)
    state = " open" if len(line.children) <= opened and not line.closed else ""
    return (
        f'<details{state}><summary class="row{style}" style="{widths}">{shown}</summary>'
        f"{inner}</details>"
    )


def _cell(column: TableColumn, text: str) -> str:
    return f'<span class="r">{text}</span>' if column.right else f"<span>{text}</span>"
