"""Finds out for which version of Keras a program was written, from its imports and calls.

The program is parsed, not run. `RULES` is the table of what only some versions have.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cornu import backend
from cornu.dialects.detection_table import (
    CALLS,
    FUNCTIONS_OF_BACKEND,
    MODULES,
    MODULES_OR_FUNCTIONS,
    NAMES,
    ONLY_NEW_KEYWORDS,
    THREE_SIZES,
)
from cornu.dialects.keras2.implementation.tensorflow_module import USED_WITH_KERAS
from cornu.dialects.python2 import parse_program

__all__ = ["Choice", "Evidence", "detect", "needs_tensorflow"]

_KERAS = ("keras", "tensorflow.keras", "tf.keras", "tensorflow.python.keras")
_MAX_SHOWN = 3
_ALL = "123"


class Evidence(NamedTuple):
    """Something in a program that only some versions have.

    Attributes:
        versions: these versions: "1", "2" and "3".
        what: what it is, as in messages.
        place: its file and line.
    """

    versions: str
    what: str
    place: str


class Choice(NamedTuple):
    """The dialect for a program.

    Attributes:
        dialect: "keras1", "keras2" or "keras3".
        reasons: what decided it; empty if nothing in the program belongs to an older version.
    """

    dialect: str
    reasons: list[Evidence]

    def describe(self) -> str:
        """Returns the choice and the reasons as one line."""
        if not self.reasons:
            return f"{self.dialect}, because nothing in the program is of an older version"
        shown = "; ".join(f"{one.what} ({one.place})" for one in self.reasons[:_MAX_SHOWN])
        return f"{self.dialect}, because of {shown}"


def detect(path: Path) -> Choice:
    """Returns the dialect that a program needs.

    Modules next to the program that it imports are examined, too. Something that only Keras 3 has
    decides for Keras 3, whatever else there is.

    Args:
        path: the file of the program.

    Raises:
        SyntaxError: it is not a program of Python 3 or 2.
    """
    found = list(_collect(path, set()))
    new = [one for one in found if one.versions == "3"]
    if new:
        return Choice("keras3", new)
    first = [one for one in found if one.versions == "1"]
    second = [one for one in found if "1" not in one.versions]
    old = [one for one in found if "3" not in one.versions]
    if first and not second:
        return Choice("keras1", first)
    if first or old:
        # Keras 2 accepts most arguments of Keras 1, so that programs have both.
        only = [one for one in found if one.versions == "2"]
        return Choice("keras2", only + [one for one in old if one not in only])
    return Choice("keras3", [])


def needs_tensorflow(path: Path, done: set[Path] | None = None) -> bool:
    """Whether a program, or a module beside it, uses more of TensorFlow than its Keras.

    Args:
        path: the file of the program.
        done: files that are not read again.

    Raises:
        SyntaxError: it is not a program of Python 3 or 2.
    """
    seen = set() if done is None else done
    seen.add(path.resolve())
    program, _ = parse_program(path)
    if _uses_tensorflow(program):
        return True
    near = (path.parent / f"{n.replace('.', '/')}.py" for n in _imported_modules(program))
    return any(
        needs_tensorflow(one, seen) for one in near if one.is_file() and one.resolve() not in seen
    )


def _uses_tensorflow(program: ast.Module) -> bool:
    aliases: set[str] = set()
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name == "tensorflow":
                    aliases.add(alias.asname or alias.name)
                elif alias.name.startswith("tensorflow.") and _below_keras(alias.name) is None:
                    return True
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tensorflow"):
            if node.module == "tensorflow":
                if any(alias.name != "keras" for alias in node.names):
                    return True
            elif _below_keras(node.module or "") is None:
                return True
    outer = {id(n.value) for n in ast.walk(program) if isinstance(n, ast.Attribute)}
    chains = (
        _chain(node)
        for node in ast.walk(program)
        if isinstance(node, ast.Attribute) and id(node) not in outer
    )
    return any(
        chain[0] in aliases
        and chain[1] != "keras"
        and not any(".".join(chain[1:i]) in USED_WITH_KERAS for i in range(2, len(chain) + 1))
        for chain in chains
        if chain
    )


def _chain(node: ast.expr) -> list[str]:
    """Returns the names of an expression such as `a.b.c`; an empty list for others."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    return [node.id, *names] if isinstance(node, ast.Name) else []


def _collect(path: Path, done: set[Path]) -> Iterator[Evidence]:
    done.add(path.resolve())
    program, _ = parse_program(path)
    yield from _Reader(path.name).read(program)
    for name in _imported_modules(program):
        near = path.parent / f"{name.replace('.', '/')}.py"
        if near.is_file() and near.resolve() not in done:
            yield from _collect(near, done)


def _imported_modules(program: ast.Module) -> Iterator[str]:
    for node in ast.walk(program):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


class _Reader:
    """Reads one file: first what its names mean, then what it calls.

    Args:
        file: the name of the file, for messages.
    """

    def __init__(self, file: str) -> None:
        self._file = file
        # Names of the program -> paths below `keras`.
        self._paths: dict[str, str] = {}

    def read(self, program: ast.Module) -> Iterator[Evidence]:
        """Yields what only some versions have."""
        nodes = list(ast.walk(program))
        for node in nodes:
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield from self._read_import(node)
        for node in nodes:
            if isinstance(node, ast.Call):
                yield from self._read_call(node)
            elif isinstance(node, ast.Attribute):
                yield from self._read_attribute(node)

    def _read_import(self, node: ast.Import | ast.ImportFrom) -> Iterator[Evidence]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name in ("tensorflow", "tensorflow.compat.v1"):
                    self._paths[alias.asname or "tensorflow"] = "<tensorflow>"
                below = _below_keras(alias.name)
                if below is not None:
                    bound = alias.asname or alias.name.partition(".")[0]
                    self._paths[bound] = below if alias.asname else ""
                    yield from self._judge_module(below, node)
            return
        module = "." * node.level + (node.module or "")
        below = _below_keras(module)
        if below is None:
            if module == "tensorflow":
                for alias in node.names:
                    if alias.name == "keras":
                        self._paths[alias.asname or "keras"] = ""
            return
        yield from self._judge_module(below, node)
        for alias in node.names:
            path = f"{below}.{alias.name}".lstrip(".")
            self._paths[alias.asname or alias.name] = path
            if path not in MODULES_OR_FUNCTIONS:  # their use decides
                yield from self._judge_path(path, node)

    def _judge_module(self, below: str, node: ast.AST) -> Iterator[Evidence]:
        parts = below.split(".")
        for end in range(1, len(parts) + 1):
            path = ".".join(parts[:end])
            if path in MODULES:
                yield self._evidence(MODULES[path], f"keras.{path}", node)

    def _judge_path(self, path: str, node: ast.AST) -> Iterator[Evidence]:
        if path in MODULES:
            yield self._evidence(MODULES[path], f"keras.{path}", node)
        module, _, name = path.rpartition(".")
        root = module.partition(".")[0]
        if name in NAMES.get(root, {}):
            yield self._evidence(NAMES[root][name], f"keras.{path}", node)
        elif root == "backend" and name in FUNCTIONS_OF_BACKEND and name not in backend.__all__:
            yield self._evidence("12", f"keras.backend.{name}", node)

    def _read_attribute(self, node: ast.Attribute) -> Iterator[Evidence]:
        path = self._path_of(node)
        if path:
            yield from self._judge_path(path, node)
            above = path.rpartition(".")[0]
            if above in MODULES_OR_FUNCTIONS:
                yield self._evidence(MODULES[above], f"keras.{path}", node)

    def _path_of(self, node: ast.expr) -> str | None:
        """Returns the path below `keras` that an expression names, or None."""
        chain: list[str] = []
        while isinstance(node, ast.Attribute):
            chain.insert(0, node.attr)
            node = node.value
        if not isinstance(node, ast.Name) or node.id not in self._paths:
            return None
        base = self._paths[node.id]
        if base == "<tensorflow>":
            if not chain or chain[0] != "keras":
                return None
            base, chain = "", chain[1:]
        return ".".join(filter(None, [base, *chain]))

    def _read_call(self, node: ast.Call) -> Iterator[Evidence]:
        path = self._path_of(node.func)
        name = _last_name(node.func)
        keywords = [one.arg for one in node.keywords if one.arg]
        module = path.partition(".")[0] if path is not None else None
        is_method = path is None and isinstance(node.func, ast.Attribute)
        row = {**CALLS.get(f"{module}.*", {}), **CALLS.get(f"{module}.{name}", {})}
        row |= CALLS.get(f".{name}", {}) if is_method else {}
        for keyword in keywords:
            if row.get(keyword, _ALL) != _ALL:
                yield self._evidence(row[keyword], f"{name}({keyword}=...)", node)
        if "" in row:  # the call itself
            yield self._evidence(row[""], f"{name}(...)", node)
        if path is None:
            return
        if path in MODULES_OR_FUNCTIONS:
            yield self._evidence(MODULES_OR_FUNCTIONS[path], f"{name}(...)", node)
        if module == "layers" and name in ONLY_NEW_KEYWORDS:
            for keyword in keywords:
                if keyword in ONLY_NEW_KEYWORDS[name]:
                    yield self._evidence("23", f"{name}({keyword}=...)", node)
        yield from self._judge_sizes(name, node)

    def _judge_sizes(self, name: str, node: ast.Call) -> Iterator[Evidence]:
        """Judges the kernel size of a convolution: three integers, or a tuple."""
        if "Conv" not in name or len(node.args) < 2:
            return
        count = THREE_SIZES.get(name, 0)
        if isinstance(node.args[1], (ast.Tuple, ast.List)):
            yield self._evidence("23", f"{name} with a tuple as kernel size", node)
        elif 0 < count <= len(node.args) and not any(
            isinstance(one, (ast.Tuple, ast.List, ast.Starred)) for one in node.args
        ):
            yield self._evidence("1", f"{name} with {count} positional sizes", node)

    def _evidence(self, versions: str, what: str, node: ast.AST) -> Evidence:
        return Evidence(versions, what, f"{self._file}:{getattr(node, 'lineno', 0)}")


def _below_keras(path: str) -> str | None:
    """Returns a path without `keras`; None if it is not one of Keras."""
    for root in _KERAS:
        if path == root:
            return ""
        if path.startswith(f"{root}."):
            return path.removeprefix(f"{root}.")
    return None


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
