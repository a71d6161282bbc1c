"""Rewrites files: shows what would change, or writes it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import libcst as cst
from rich.console import Console
from rich.text import Text

from cornu.dialects.detection import detect
from cornu.dialects.python2 import parse_program
from cornu.modernize.context import COMMENT
from cornu.modernize.eras import load_era
from cornu.modernize.program import modernize_source
from cornu.saving.atomic_write import atomic_write

__all__ = ["FileResult", "find_programs", "modernize_file", "modernize_files"]

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


class FileResult(NamedTuple):
    """What rewriting a file gives.

    Attributes:
        path: the file.
        reason: the version and why it was chosen.
        before: the program.
        after: the rewritten program.
    """

    path: Path
    reason: str
    before: str
    after: str

    def diff(self) -> str:
        """Returns the changes as a unified diff."""
        lines = difflib.unified_diff(
            self.before.splitlines(keepends=True),
            self.after.splitlines(keepends=True),
            str(self.path),
            str(self.path),
        )
        return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)

    def marks(self) -> list[str]:
        """Returns the comments in the rewritten program, each with its file and line."""
        return [
            f"{self.path}:{number}: {line.strip().removeprefix(COMMENT)}"
            for number, line in enumerate(self.after.splitlines(), 1)
            if line.strip().startswith(COMMENT)
        ]


def find_programs(paths: Iterable[str]) -> Iterator[Path]:
    """Yields files, and the Python files in folders.

    Raises:
        ValueError: a file or folder does not exist.
    """
    for name in paths:
        path = Path(name)
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        elif path.is_file():
            yield path
        else:
            raise ValueError(f"{name!r} does not exist")


def modernize_file(path: Path, version: str = "auto", package: str = "keras") -> FileResult:
    """Rewrites the text of a file, which is not changed.

    Args:
        path: the file.
        version: "auto", "keras1", "keras2" or "keras2.3".
        package: what the program imports afterwards: "keras" or "cornu".

    Raises:
        SyntaxError: it is not a program of Python 3.
    """
    with path.open(encoding="utf-8", newline="") as file:
        text = file.read()
    if parse_program(path)[1]:
        raise SyntaxError("it is a program in Python 2. Translate it to Python 3 first")
    reason = version
    if version == "auto":
        choice = detect(path)
        version, reason = choice.dialect, choice.describe()
    if version == "keras3":
        return FileResult(path, reason, text, text)
    try:
        new = modernize_source(text, load_era(version), package)
    except cst.ParserSyntaxError as error:
        raise SyntaxError(f"{path}: {error.message}") from None
    return FileResult(path, reason, text, new.text)


def modernize_files(paths: Iterable[str], version: str, package: str, is_written: bool) -> int:
    """Rewrites programs; prints the changes, or writes them.

    Args:
        paths: files and folders.
        version: "auto", or the version of Keras.
        package: "keras" or "cornu".
        is_written: whether the files are changed.

    Returns:
        The exit status: 0 if everything is decided, 1 if comments are left, 2 for errors.
    """
    console = Console(soft_wrap=True, highlight=False)
    marks: list[str] = []
    status = 0
    try:
        programs = list(find_programs(paths))
    except ValueError as error:
        print(f"cornu modernize: {error}", file=sys.stderr)
        return 2
    for path in programs:
        try:
            result = modernize_file(path, version, package)
        except (SyntaxError, UnicodeDecodeError) as error:
            print(f"cornu modernize: {path}: {error}", file=sys.stderr)
            status = 2
            continue
        print(f"cornu modernize: {path}: {result.reason}", file=sys.stderr)
        if result.after != result.before:
            if is_written:
                with atomic_write(path) as temporary:
                    temporary.write_text(result.after, encoding="utf-8", newline="")
            else:
                _print_diff(result.diff(), console)
        marks += result.marks()
    for mark in marks:
        print(mark, file=sys.stderr)
    return status or int(bool(marks))


def _print_diff(diff: str, console: Console) -> None:
    for line in diff.splitlines():
        console.print(Text(line, style=_STYLES.get(line[:1], "")))
