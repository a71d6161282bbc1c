"""Output of the processes of a job: each line is shown with the number of its process."""

from __future__ import annotations

import contextlib
import re
import sys
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

__all__ = ["Output"]

_KEPT_LINES = 20
_MAX_LINE = 1 << 16  # bytes of a line that has not ended, after which it is shown
_LINE_END = re.compile(rb"\r\n|\n|\r(?=[^\n])")


class Output:
    """Shows the output of several processes line by line, and keeps the last lines of each.

    Args:
        count: the number of processes.
        first_only: whether only the output of process 0 is shown.
        folder: a directory, which gets a file `process0.log` for each process; None for none.
    """

    def __init__(self, count: int, first_only: bool, folder: str | None) -> None:
        self._prefixes = [f"[{index}] ".encode() if count > 1 else b"" for index in range(count)]
        self._first_only = first_only
        self._folder = None if folder is None else Path(folder)
        self._files: list[BinaryIO] = []
        self._rest: dict[tuple[int, bool], bytes] = {}
        self._errors: list[deque[str]] = [deque(maxlen=_KEPT_LINES) for _ in range(count)]

    def __enter__(self) -> Output:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            for index in range(len(self._prefixes)):
                self._files.append(open(self._folder / f"process{index}.log", "wb"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for file in self._files:
            file.close()

    def write(self, index: int, is_error: bool, data: bytes) -> None:
        """Shows what a process has written.

        Args:
            index: the number of the process.
            is_error: whether it was written to stderr.
            data: the bytes; empty at the end, when a line without an end is shown as well.
        """
        if self._files:
            self._files[index].write(data)
            self._files[index].flush()
        rest = self._rest.pop((index, is_error), b"") + data
        position = 0
        for end in _LINE_END.finditer(rest):
            self._show(index, is_error, rest[position : end.end()])
            position = end.end()
        rest = rest[position:]
        if rest and (not data or len(rest) > _MAX_LINE):
            self._show(index, is_error, rest + b"\n")
        elif rest:
            self._rest[index, is_error] = rest

    def _show(self, index: int, is_error: bool, line: bytes) -> None:
        if is_error:
            self._errors[index].append(line.decode(errors="replace").rstrip())
        if self._first_only and index:
            return
        stream = sys.stderr if is_error else sys.stdout
        # The reader of the output may have ended; the job goes on.
        with contextlib.suppress(BrokenPipeError):
            stream.write(f"{(self._prefixes[index] + line).decode(errors='replace')}")
            stream.flush()

    def last_errors(self, index: int) -> list[str]:
        """Returns the last lines that a process has written to stderr."""
        return list(self._errors[index])
