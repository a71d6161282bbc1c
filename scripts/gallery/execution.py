"""Runs a program cell by cell, with the outputs that a notebook would show."""

from __future__ import annotations

import ast
import contextlib
import io
import re
import sys
import types
from base64 import b64encode
from pathlib import Path
from typing import TypeAlias

import nbformat

from scripts.gallery.cells import read_cells

__all__ = ["execute"]

Output: TypeAlias = nbformat.NotebookNode

_METHODS = {
    "_repr_html_": "text/html",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
}


def execute(path: Path) -> list[list[Output]]:
    """Runs a program as the module `__main__`; returns the outputs of each cell of code.

    What a cell prints is its first output, the value of its last line the second one. Paths of
    files beside the program have no folder, as it differs between machines.

    Args:
        path: the program, in the percent format.
    """
    text = path.read_text(encoding="utf-8")
    statements = ast.parse(text).body
    module = types.ModuleType("__main__")
    module.__file__ = str(path)
    outputs = []
    former, sys.modules["__main__"] = sys.modules["__main__"], module
    try:
        for number, cell in enumerate((c for c in read_cells(text) if c.kind == "code"), 1):
            end = cell.line + len(cell.source.splitlines())
            body = [node for node in statements if cell.line <= node.lineno <= end]
            outputs.append(_run_cell(body, module, number))
    finally:
        sys.modules["__main__"] = former
    return outputs


def _run_cell(body: list[ast.stmt], module: types.ModuleType, number: int) -> list[Output]:
    """Runs statements, whose line numbers are those of the program; returns their outputs."""
    file, value = str(module.__file__), None
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(ast.Module(body, []), file, "exec"), vars(module))
        if last is not None:
            value = eval(compile(ast.Expression(last.value), file, "eval"), vars(module))
    outputs = []
    if printed.getvalue():
        text = _without_folder(printed.getvalue(), file)
        outputs.append(nbformat.v4.new_output("stream", name="stdout", text=text))
    if value is not None:
        outputs.append(
            nbformat.v4.new_output(
                "execute_result", data=_data(value, file), execution_count=number
            )
        )
    return outputs


def _without_folder(text: str, file: str) -> str:
    return text.replace(f"{Path(file).parent}/", "")


def _data(value: object, file: str) -> dict[str, str]:
    """Returns what a notebook stores of a value: its repr, and its pictures by their types."""
    data = {"text/plain": re.sub(r" at 0x[0-9a-f]+", "", repr(value))}
    for method, kind in _METHODS.items():
        content = getattr(value, method, lambda: None)()
        if content is not None:
            is_text = isinstance(content, str)
            data[kind] = content if is_text else b64encode(content).decode()
    return {kind: _without_folder(content, file) for kind, content in data.items()}
