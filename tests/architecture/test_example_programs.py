"""The programs in `examples/` need the hard dependencies only, or say what else they need."""

import ast
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted((ROOT / "examples").glob("*.py"))


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_an_example_says_what_it_needs(path):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    installed = {name.partition(">")[0] for name in project["dependencies"]} | {"cornu"}
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            package = name.partition(".")[0]
            if package not in installed and package not in sys.stdlib_module_names:
                assert f"pip install {package}" in (ast.get_docstring(tree) or ""), package
