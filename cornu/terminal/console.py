"""The terminal: one line that is drawn again and again, and lines that stay."""

from __future__ import annotations

import os
import shutil
import sys

__all__ = ["Console", "console"]

_ENDLESS = 1 << 20  # a notebook folds lines, and still takes them as one


class Console:
    """Writes to standard output, and knows whether the line it is on is still being drawn."""

    def __init__(self) -> None:
        self._drawn = 0  # width of the line that is being drawn

    @property
    def interactive(self) -> bool:
        """Whether a line can be drawn again: a terminal or a notebook, not a file or pipe."""
        return sys.stdout.isatty() or "ipykernel" in sys.modules

    @property
    def colored(self) -> bool:
        """Whether colors are shown and wanted (see https://no-color.org)."""
        unwanted = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return self.interactive and not unwanted

    @property
    def width(self) -> int:
        """How many characters fit on a line; in a terminal a longer one cannot be drawn again."""
        return shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else _ENDLESS

    @property
    def drawing(self) -> bool:
        """Whether a line is being drawn."""
        return bool(self._drawn)

    def can_show(self, text: str) -> bool:
        """Tells whether the output's encoding has some characters."""
        try:
            text.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return False
        return True

    def draw(self, text: str, width: int, below: str | None = None) -> None:
        """Replaces the line that is being drawn by another.

        Args:
            text: the line.
            width: how many characters are seen of it.
            below: whole lines that follow it; if they are given, even as "", it stays.
        """
        end = "" if below is None else f"\n{below}"
        sys.stdout.write("\r" + text + " " * max(0, self._drawn - width) + end)
        sys.stdout.flush()
        self._drawn = 0 if end else width

    def say(self, text: str = "") -> None:
        """Writes a line that stays, below the one that is being drawn."""
        self.end()
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def end(self) -> None:
        """Lets the line that is being drawn stay as it is."""
        if self._drawn:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._drawn = 0


console = Console()
