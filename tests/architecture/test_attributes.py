"""Loops over the attributes of an object use a copy, because another thread may add one."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "cornu"


def _loops_without_copy(source):
    """Yields the lines of loops over `vars(...)` or `__dict__`, or over a view of it."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, (ast.For, ast.comprehension)):
            continue
        for part in ast.walk(node.iter):
            is_view = isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute)
            owner = part.func.value if is_view and part.func.attr in _VIEWS else None
            for read in (owner, part if part is node.iter else None):
                if read is not None and _is_attributes(read):
                    yield part.lineno


_VIEWS = ("items", "keys", "values")


def _is_attributes(node):
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "vars"
    return isinstance(node, ast.Attribute) and node.attr == "__dict__"


def test_no_loop_is_over_the_attributes_themselves():
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in sorted(ROOT.rglob("*.py"))
        for line in _loops_without_copy(path.read_text(encoding="utf-8"))
    ]
    assert not found, f"write `vars(owner).copy()`: {found}"


@pytest.mark.parametrize(
    "loop",
    [
        "for name in vars(layer): pass",
        "for name, value in vars(self.layer).items(): pass",
        "[value for value in layer.__dict__.values()]",
        "{k: v for k, v in sorted(vars(layer).items())}",
        "for value in (first, *vars(layer).values()): pass",
    ],
)
def test_a_loop_without_a_copy_is_found(loop):
    assert list(_loops_without_copy(loop)) == [1]
    copied = loop.replace("vars(layer)", "vars(layer).copy()")
    copied = copied.replace("vars(self.layer)", "vars(self.layer).copy()")
    copied = copied.replace("__dict__", "__dict__.copy()")
    assert not list(_loops_without_copy(copied))
