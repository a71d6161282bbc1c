"""Updates the messages in the table: `python -m tests.messages.write [name ...]`.

Review the diff before committing it.
"""

from __future__ import annotations

import inspect
import sys
import textwrap
from pathlib import Path

from tests.messages.table import ROWS, Row, run

WIDTH = 96


def written(row: Row, error: BaseException) -> str:
    """Returns the decorator of a row that gives an error."""
    lines = []
    for line in row.read(error).replace("\\", "\\\\").split("\n"):
        # A backslash at the end of a line joins it with the next, so that the text stays the same.
        parts = textwrap.wrap(line, WIDTH, break_long_words=False, drop_whitespace=False) or [""]
        lines.append("\\\n".join(parts))
    text = "\n".join(lines)
    return f'@wrong(\n    {type(error).__name__},\n    """\n{text}\n""",\n)\n'


def main(names: list[str]) -> None:
    found: dict[str, list[tuple[int, int, str]]] = {}
    for row in ROWS:
        if names and not any(name in row.name for name in names):
            continue
        lines, start = inspect.getsourcelines(row.program)
        head = next(i for i, line in enumerate(lines) if line.startswith("def "))
        error = run(row)
        if error is None:
            print(f"{row.name}: no error")
            continue
        file = inspect.getsourcefile(row.program) or ""
        found.setdefault(file, []).append((start - 1, start - 1 + head, written(row, error)))
    for file, changes in found.items():
        source = Path(file).read_text().splitlines(keepends=True)
        for first, last, text in sorted(changes, reverse=True):
            source[first:last] = [text]
        Path(file).write_text("".join(source))


if __name__ == "__main__":
    main(sys.argv[1:])
