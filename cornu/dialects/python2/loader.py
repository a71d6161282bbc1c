"""Loads programs, and modules that they import, that are written in Python 2."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import sys
import tokenize
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType

from cornu.dialects.python2.semantics import NAMES, translate_expressions
from cornu.dialects.python2.statements import translate_statements

__all__ = ["install_finder", "load_program", "parse_program"]


def parse_program(path: Path) -> tuple[ast.Module, bool]:
    """Returns the syntax tree of a file, and whether the file is written in Python 2.

    Of a file in Python 2, the statements are those of Python 3.

    Raises:
        SyntaxError: the file is a program of neither.
    """
    with tokenize.open(path) as file:
        source = file.read()
    try:
        return ast.parse(source, str(path)), False
    except SyntaxError as error:
        try:
            return ast.parse(translate_statements(source.expandtabs()), str(path)), True
        except (SyntaxError, tokenize.TokenError):
            raise error from None


def load_program(path: Path) -> CodeType | None:
    """Returns the code of a file in Python 2, or None if Python 3 parses it.

    Raises:
        SyntaxError: the file is a program of neither.
    """
    program, is_old = parse_program(path)
    if not is_old:
        return None
    return compile(translate_expressions(program), str(path), "exec", dont_inherit=True)


class _Loader(importlib.machinery.SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        code = load_program(Path(self.path))
        if code is None:
            super().exec_module(module)
        else:
            vars(module).update(NAMES)
            exec(code, vars(module))


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules beside a program.

    Args:
        folder: the folder of the program.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        spec = importlib.machinery.PathFinder.find_spec(name, path or [str(self._folder)], target)
        if spec is None or not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            return None
        if not Path(spec.loader.path).is_relative_to(self._folder):
            return None
        spec.loader = _Loader(spec.loader.name, spec.loader.path)
        return spec


def install_finder(folder: Path) -> None:
    """Makes modules in a folder importable that are written in Python 2.

    Args:
        folder: the folder of the program.
    """
    sys.meta_path.insert(0, _Finder(folder))
