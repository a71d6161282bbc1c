"""The table of wrong programs: each with the expected error."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import re
import tempfile
import textwrap
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cornu import utils

THEMES = (
    *("functional_models", "layer_inputs", "sequential", "compiling", "fitting", "custom_layers"),
    *("custom_steps", "operations", "loading", "names"),
)
ROWS: list[Row] = []


@dataclass
class Row:
    """A wrong program.

    Attributes:
        program: a function whose body is the program.
        error: the type of the exception.
        message: all that the user reads behind it. `file.py:3` means the program's third line.
    """

    program: Callable[[], Any]
    error: type[Exception] | None
    message: str

    @property
    def theme(self) -> str:
        return self.program.__module__.rpartition(".")[2]

    @property
    def name(self) -> str:
        return f"{self.theme}.{self.program.__name__}"

    @property
    def title(self) -> str:
        """A description of the error in the program."""
        return (self.program.__doc__ or "").strip().rstrip(".")

    @property
    def source(self) -> str:
        """The program itself."""
        text = textwrap.dedent("".join(self._lines()[0])).rstrip()
        return re.sub(r"(?m)^return ", "", text)

    def _lines(self) -> tuple[list[str], int]:
        lines, start = inspect.getsourcelines(self.program)
        head = next(i for i, line in enumerate(lines) if line.startswith("def ")) + 2
        head += lines[head].isspace()
        return lines[head:], start + head  # behind `def` and the line that says what is wrong

    def read(self, error: BaseException) -> str:
        """Returns what the user reads of an error: its text and its notes."""
        text = "\n".join([str(error), *getattr(error, "__notes__", ())])
        lines, first = self._lines()

        def place(match: re.Match[str]) -> str:
            file, line = match[1], int(match[2])
            inside = first <= line < first + len(lines) and file == f"{self.theme}.py"
            return f"{file}:{line - first + 1 if inside else line}"

        text = re.sub(r"(?:[^\s()'\"]*/)?(\w+\.py):(\d+)", place, text)
        # The program stands for a module: the function that holds it is not there for the reader.
        name = self.program.__name__
        text = re.sub(rf"\bin (?:\w+ > )*{name} \(", "(", text)
        text = re.sub(rf"\bin (?:\w+ > )*{name} > ", "in ", text)
        return re.sub(r" at 0x[0-9a-f]+>", " at 0x...>", text).strip()


def wrong(error: type[Exception] | None = None, message: str = "") -> Callable[..., Any]:
    """Decorator: puts a program into the table."""

    def add(program: Callable[[], Any]) -> Callable[[], Any]:
        ROWS.append(Row(program, error, message.strip()))
        return program

    return add


def run(row: Row) -> BaseException | None:
    """Runs a program in an empty folder, and returns its error."""
    utils.clear_session(free_memory=False)
    utils.set_random_seed(1)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        try:
            row.program()
        except Exception as error:
            return error
    return None


for _theme in THEMES:
    importlib.import_module(f"tests.messages.{_theme}")
