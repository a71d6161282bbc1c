"""Warnings of the library point at the user's line, however deep they are raised."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "cornu"


def test_every_warning_has_the_line_of_the_user():
    """Each call finds the level with `user_stacklevel`, or the line that created the object."""
    found = []
    for path in sorted(ROOT.rglob("*.py")):
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("warnings.warn", "warn"):
                levels = [k.value for k in node.keywords if k.arg == "stacklevel"]
                if [ast.unparse(level) for level in levels] != ["user_stacklevel()"]:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not found, found


def test_no_warning_counts_frames():
    # `warn` in errors.py adds one to the level that its caller found.
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted(ROOT.rglob("*.py"))
        if re.search(r"stacklevel=\d", path.read_text(encoding="utf-8"))
    ]
    assert not found, found
