"""Finds the test that shows what a public name does.

That is the test in the folders of its package that mentions the name most often, one that
compares with Keras first. A name that no test mentions is only compared by its signature.
"""

from __future__ import annotations

import ast
import functools
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
SIGNATURES = "tests/conformance/test_signatures.py"

# Where the tests of a module of Keras are. Other names are searched in all tests.
FOLDERS = {
    "activations": ("tests/parts",),
    "applications": ("tests/applications",),
    "backend": ("tests/core", "tests/ops", "tests/test_config.py"),
    "callbacks": ("tests/callbacks",),
    "config": ("tests/test_config.py", "tests/core", "tests/process"),
    "constraints": ("tests/parts",),
    "distribution": ("tests/distribution",),
    "dtype_policies": ("tests/core",),
    "initializers": ("tests/parts",),
    "layers": ("tests/conformance/rows", "tests/layers"),
    "losses": ("tests/conformance/test_losses.py", "tests/losses"),
    "metrics": ("tests/conformance/test_metrics.py", "tests/metrics"),
    "ops": ("tests/ops",),
    "optimizers": ("tests/optimizers",),
    "random": ("tests/ops/test_random.py",),
    "regularizers": ("tests/parts",),
    "saving": ("tests/saving",),
    "tree": ("tests/test_tree.py",),
    "wrappers": ("tests/wrappers",),
}
# Tests that go through all names of a module, without mentioning them.
_OF_ALL_NAMES = {
    "activations": "tests/parts/test_activations.py::test_activation_is_keras",
    "initializers": "tests/parts/test_initializers.py::test_names_resolve_as_in_keras",
    "losses": "tests/conformance/test_losses.py::test_names_resolve_as_in_keras",
    "metrics": "tests/conformance/test_metrics.py::test_names_resolve_as_in_keras",
}
# These show nothing by themselves: pages and lists are made from all names.
_EXCLUDED = (
    "tests/messages",
    "tests/architecture",
    SIGNATURES,
    "tests/conformance/public_names.py",
)
_WORD = re.compile(r"[A-Za-z_]\w*")


class _File(NamedTuple):
    path: str
    words: Counter[str]
    against_keras: bool
    functions: dict[str, Counter[str]]


def find_test(path: str) -> str:
    """Returns the file, or the file and the function, of the test of a public name."""
    module, _, name = path.rpartition(".")
    folders = FOLDERS.get(module.partition(".")[0], ("tests",))
    mentions = _mentions(name, folders)
    if not mentions and module in _OF_ALL_NAMES:
        return _OF_ALL_NAMES[module]
    mentions = mentions or _mentions(name, ("tests",))
    if not mentions:
        return SIGNATURES
    file = max(mentions, key=lambda file: (file.against_keras, file.words[name], file.path))
    best = max(file.functions.items(), key=lambda item: item[1][name], default=("", Counter()))
    return f"{file.path}::{best[0]}" if best[1][name] else file.path


def _mentions(name: str, folders: tuple[str, ...]) -> list[_File]:
    return [file for file in _files() if file.path.startswith(folders) and file.words[name]]


@functools.cache
def _files() -> tuple[_File, ...]:
    paths = sorted((ROOT / "tests").rglob("*.py"))
    relative = [(path, path.relative_to(ROOT).as_posix()) for path in paths]
    return tuple(_read(path, name) for path, name in relative if not name.startswith(_EXCLUDED))


def _read(path: Path, name: str) -> _File:
    source = path.read_text(encoding="utf-8")
    functions = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            start = min((d.lineno for d in node.decorator_list), default=node.lineno)
            text = "\n".join(source.splitlines()[start - 1 : node.end_lineno])
            functions[node.name] = Counter(_WORD.findall(text))
    words = Counter(_WORD.findall(source))
    rows = name.startswith("tests/conformance/rows") or "/cases.py" in name
    return _File(name, words, rows or "import keras" in source, functions)
