"""Makes docs/errors.md of the table of wrong programs: `python -m scripts.make_errors_page`."""

from __future__ import annotations

import ast
import inspect
import sys
from pathlib import Path

from tests.messages.table import ROWS, THEMES

PAGE = Path(__file__).parents[1] / "docs" / "errors.md"

HEAD = """\
# Errors

What is wrong with a program, and what cornu says about it. `drawing.py:3` in a message is the
third line of the program above it; what stands at the top of all programs is

```python
import numpy as np
import jax.numpy as jnp
import cornu
from cornu import Input, Layer, Model, Sequential, Variable, layers, ops
```

A message says where (the line, the path of blocks and layers), what was expected and received, and
what to do. Tracebacks show the frames of your own program only; the error of JAX or NumPy that is
behind a message is its `__context__`, and `cornu.config.disable_traceback_filtering()` shows every
frame of both.

This page is made by `scripts/make_errors_page.py` of the programs in `tests/messages`, which run as
tests.
"""


def _helpers(source: str) -> str:
    """Returns what stands between the imports of a theme and its first program."""
    tree = ast.parse(source)
    kept = []
    for node in tree.body[1:]:
        if isinstance(node, ast.FunctionDef) and node.decorator_list:
            break
        if not isinstance(node, ast.Import | ast.ImportFrom):
            gap = "\n\n" if isinstance(node, ast.FunctionDef | ast.ClassDef) else ""
            kept.append(gap + (ast.get_source_segment(source, node) or ""))
    return "\n".join(kept).strip()


def page() -> str:
    """Returns the page."""
    parts = [HEAD]
    for theme in THEMES:
        module = sys.modules[f"tests.messages.{theme}"]
        title = (inspect.getdoc(module) or "").partition(".")[0]
        parts.append(f"## {title}\n")
        if helpers := _helpers(inspect.getsource(module)):
            parts.append(f"What the programs share:\n\n```python\n{helpers}\n```\n")
        for row in ROWS:
            if row.theme == theme and row.error is not None:
                message = f"{row.error.__name__}: {row.message}"
                parts.append(
                    f"**{row.title}.**\n\n```python\n{row.source}\n```\n\n```text\n{message}\n```\n"
                )
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
