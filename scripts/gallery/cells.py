"""Reads programs in the percent format: `# %%` begins code, `# %% [markdown]` text."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

__all__ = ["Cell", "read_cells"]

_MARKER = re.compile(r"# %%( \[markdown\])?")


class Cell(NamedTuple):
    """A part of a program.

    Attributes:
        kind: "code" or "markdown".
        source: the code, or the text without the marks of comments.
        line: the line of the program on which the cell begins, after its marker.
    """

    kind: Literal["code", "markdown"]
    source: str
    line: int


def read_cells(text: str) -> list[Cell]:
    """Returns the cells of a program.

    Args:
        text: the program, whose first line is a marker of a cell.

    Raises:
        ValueError: the program does not begin with a cell, or text is not in comments.
    """
    lines = text.splitlines()
    starts = [number for number, line in enumerate(lines) if _MARKER.fullmatch(line)]
    if not starts or starts[0] != 0:
        raise ValueError("The first line of a program must be '# %%' or '# %% [markdown]'.")
    cells = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        content = lines[start + 1 : end]
        if lines[start].endswith("[markdown]"):
            cells.append(Cell("markdown", _uncomment(content, start + 2), start + 2))
        else:
            cells.append(Cell("code", "\n".join(content).strip("\n"), start + 2))
    return cells


def _uncomment(lines: list[str], first: int) -> str:
    for number, line in enumerate(lines, first):
        if line and line != "#" and not line.startswith("# "):
            raise ValueError(f"Line {number}: text of a cell must be in comments: {line!r}")
    return "\n".join(line[2:] for line in lines).strip("\n")
