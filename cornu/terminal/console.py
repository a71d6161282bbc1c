"""Console: output to the terminal, with one line that is updated in place.

Of several processes that train one model, only the first one writes.
"""

from __future__ import annotations

import os
import shutil
import sys

from cornu import settings
from cornu.names import printable
from cornu.process import job

__all__ = ["Console", "console", "log_message"]

# Notebooks wrap long lines themselves, and `\r` still returns to the start of the whole line.
_UNLIMITED = 1 << 20


class Console:
    """Writes to standard output, and keeps track of a line that is still being updated."""

    def __init__(self) -> None:
        self._open_width = 0  # visible characters of the line that is being updated

    @property
    def interactive(self) -> bool:
        """Whether a line can be overwritten: in a terminal or notebook, not in a file or pipe."""
        return sys.stdout.isatty() or "ipykernel" in sys.modules

    @property
    def colored(self) -> bool:
        """Whether colors are supported and not disabled (see https://no-color.org)."""
        disabled = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
        return self.interactive and not disabled

    @property
    def width(self) -> int:
        """The number of characters that fit on a line that can be overwritten."""
        # One column stays free: many terminals wrap as soon as the last one is filled.
        return shutil.get_terminal_size().columns - 1 if sys.stdout.isatty() else _UNLIMITED

    @property
    def has_open_line(self) -> bool:
        """Whether a line is being updated."""
        return bool(self._open_width)

    def can_encode(self, text: str) -> bool:
        """Returns whether the output's encoding has the characters of a text."""
        try:
            text.encode(sys.stdout.encoding or "ascii")
        except UnicodeEncodeError:
            return False
        return True

    def update_line(self, text: str, width: int, below: str | None = None) -> None:
        """Replaces the line that is being updated.

        Args:
            text: the new line.
            width: the number of its visible characters, without escape sequences.
            below: complete lines to write after it. If given, even as "", the line is final.
        """
        end = "" if below is None else f"\n{below}"
        if not job.is_first():
            return
        # Spaces overwrite what is left of a longer line: not every notebook knows `\x1b[K`.
        sys.stdout.write("\r" + text + " " * max(0, self._open_width - width) + end)
        sys.stdout.flush()
        self._open_width = 0 if end else width

    def print(self, text: str = "") -> None:
        """Writes a line, below the one that is being updated; control characters are escaped."""
        if not job.is_first():
            return
        self.end_line()
        sys.stdout.write(printable(text, keep="\n\t") + "\n")
        sys.stdout.flush()

    def end_line(self) -> None:
        """Makes the line that is being updated final."""
        if self._open_width:
            sys.stdout.write("\n")
            sys.stdout.flush()
            self._open_width = 0


console = Console()


_printed: set[str] = set()


def print_once(key: str, text: str) -> None:
    """Prints a line the first time that it is called with a key in the process."""
    if key not in _printed:
        _printed.add(key)
        console.print(text)


def log_message(text: str) -> None:
    """Prints a line, unless `cornu.config.disable_interactive_logging()` was called."""
    if settings.get("interactive_logging"):
        console.print(text)
