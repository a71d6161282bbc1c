"""Marks of tests that show a fault of Keras, from which docs/compatibility/faults.md is made."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from tests.conformance.evidence import ROOT

Test = TypeVar("Test", bound=Callable[..., None])


class Fault(NamedTuple):
    """The name of Keras, or the method, that has the fault, and the test that shows it."""

    path: str
    file: str
    test: str


def fault(*paths: str) -> Callable[[Test], Test]:
    """Marks a test that shows what cornu mends in some names or methods of Keras."""
    if not all("." in path for path in paths):
        raise ValueError(f"Expected names such as 'layers.Dense'. Received: {paths}")
    return lambda test: test


@functools.cache
def find_faults() -> tuple[Fault, ...]:
    """Returns all marks, read from the sources of the tests."""
    found = []
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        if "@fault(" not in source:
            continue
        for node in ast.parse(source).body:
            for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "fault":
                    names = [n.value for n in ast.walk(mark) if isinstance(n, ast.Constant)]
                    file = path.relative_to(ROOT).as_posix()
                    found += [Fault(str(name), file, node.name) for name in names]
    return tuple(sorted(found))
