"""Prints metrics of the source code: sizes, methods of Model, private accesses, `Any`, comments.

    python -m scripts.measure_structure [FOLDER]

FOLDER is a checkout, by default this one. The sources are parsed but not imported, so that one
version of this script can compare two versions of the library.
"""

from __future__ import annotations

import ast
import io
import statistics
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef

# Comments that are directives for tools, and separator lines.
NOT_COMMENTS = ("# noqa", "# type:", "# pyright:", "# fmt:", "# mypy:", "# ---", "# ===")
NOT_CODE = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}


@dataclass(frozen=True)
class Source:
    """A module of the library."""

    name: str  # cornu.core.graph.op
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The first package below the library, or "top" for modules of the library itself."""
        parts = self.name.split(".")
        return parts[1] if len(parts) > 2 else "top"

    @property
    def lines(self) -> int:
        return self.text.count("\n")

    @property
    def is_public(self) -> bool:
        return not any(part.startswith("_") for part in self.name.split("."))


def read_sources(folder: Path) -> list[Source]:
    """Reads all modules of `folder/cornu`."""
    sources = []
    for path in sorted((folder / "cornu").rglob("*.py")):
        text = path.read_text()
        parts = path.relative_to(folder).with_suffix("").parts
        if parts[-1] == "__init__":
            # A package counts as a module in itself: `cornu.core` is in package "core".
            parts = (*parts[:-1], "init")
        sources.append(Source(".".join(parts), text, ast.parse(text)))
    return sources


# ---------------------------------------------------------------------------------------- sizes


def print_sizes(sources: list[Source]) -> None:
    """Prints files, lines, longest and median file of each package."""
    print(f"{'package':16}{'files':>6}{'lines':>8}{'median':>8}{'longest':>9}")
    for package in sorted({source.package for source in sources}):
        _print_size(package, [source for source in sources if source.package == package])
    _print_size("all", sources)


def _print_size(name: str, sources: list[Source]) -> None:
    lines = [source.lines for source in sources]
    longest = max(sources, key=lambda source: source.lines)
    median = statistics.median(lines)
    print(f"{name:16}{len(lines):6}{sum(lines):8}{median:8.0f}{longest.lines:9}  {longest.name}")


# ---------------------------------------------------------------------------------------- Model


def print_model(sources: list[Source]) -> None:
    """Prints the number of methods that Model and each of its base classes in cornu define."""
    lineage = list(_lineage(sources, "Model", "cornu.models"))
    print(f"Model and its bases: {len(lineage)} classes")
    names: set[str] = set()
    for source, cls in lineage:
        methods = {node.name for node in cls.body if isinstance(node, Function)}
        names |= methods
        print(f"  {cls.name:22}{len(methods):4} methods  {source.name}")
    print(f"  {'different names':22}{len(names):4}")


def _lineage(
    sources: list[Source], name: str, package: str
) -> Iterator[tuple[Source, ast.ClassDef]]:
    """Yields a class and its base classes in the library, each once, in breadth-first order."""
    by_name = {source.name.removesuffix(".init"): source for source in sources}
    source = next(s for s in sources if s.name.startswith(package) and _class_of(s, name))
    queue, seen = [(source, name)], set()
    while queue:
        source, name = queue.pop(0)
        if (cls := _class_of(source, name)) is None:
            imported = _imports(source).get(name)
            if imported and imported[0] in by_name:
                queue.insert(0, (by_name[imported[0]], imported[1]))
            continue
        if (source.name, name) in seen:
            continue
        seen.add((source.name, name))
        yield source, cls
        bases = [base.value if isinstance(base, ast.Subscript) else base for base in cls.bases]
        queue += [(source, base.id) for base in bases if isinstance(base, ast.Name)]


def _class_of(source: Source, name: str) -> ast.ClassDef | None:
    for node in source.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    return None


def _imports(source: Source) -> dict[str, tuple[str, str]]:
    """Returns the names that `from module import name` binds: local name -> (module, name)."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


# ------------------------------------------------------------------------------ private accesses


def print_private_accesses(sources: list[Source]) -> None:
    """Prints the number of accesses `x._name` where x is neither self, cls nor a module."""
    total, foreign = 0, Counter[str]()
    for source in sources:
        own = _private_names(source)
        for attribute in _private_accesses(source):
            total += 1
            if attribute not in own:
                foreign[source.package] += 1
    print(f"private attributes of other objects: {total}")
    print(f"  of objects whose class is in another module: {sum(foreign.values())}")
    print(f"  by package: {dict(foreign.most_common())}")


def _private_accesses(source: Source) -> Iterator[str]:
    modules = {
        (alias.asname or alias.name).split(".")[0]
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
        if (alias.asname or alias.name)[:1].islower() or (alias.asname or "").startswith("_")
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Attribute) or not node.attr.startswith("_"):
            continue
        # `__x__` is Python's, `_x_` the interface within the library (docs/architecture.md, Names).
        if node.attr.endswith("_"):
            continue
        if isinstance(node.value, ast.Name) and node.value.id in modules | {"self", "cls"}:
            continue
        if isinstance(node.value, ast.Call) and isinstance(node.value.func, ast.Name):
            if node.value.func.id == "super":
                continue
        yield node.attr


def _private_names(source: Source) -> set[str]:
    """Returns the private names that classes of a module define or set on self."""
    names = set()
    for node in ast.walk(source.tree):
        if isinstance(node, Function):
            names.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            if isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
                names.add(node.attr)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.add(node.target.id)
    return names


# ------------------------------------------------------------------------------------------ Any


def print_any(sources: list[Source]) -> None:
    """Prints the number of annotations that are just `Any`."""
    public, bare, by_package = 0, 0, Counter[str]()
    for source in sources:
        if not source.is_public:
            continue
        for annotation in _public_parameters(source.tree):
            public += 1
            if _is_any(annotation):
                bare += 1
                by_package[source.package] += 1
    everywhere = sum(_is_any(a) for source in sources for a in _annotations(source.tree))
    share = 100 * bare / max(public, 1)
    print(f"bare Any: {everywhere} annotations")
    print(f"  of parameters of public functions: {bare} of {public} ({share:.1f} %)")
    print(f"  by package: {dict(by_package.most_common())}")


def _public_parameters(body: ast.Module | ast.ClassDef) -> Iterator[ast.expr]:
    """Yields the annotations of parameters of public functions, except *args and **kwargs."""
    for node in body.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public_parameters(node)
        elif isinstance(node, Function) and _is_public(node.name):
            arguments = node.args
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                if argument.annotation is not None:
                    yield argument.annotation


def _is_public(name: str) -> bool:
    return not name.startswith("_") or name in ("__init__", "__call__")


def _annotations(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        annotation = (
            node.returns if isinstance(node, Function) else getattr(node, "annotation", None)
        )
        if isinstance(annotation, ast.expr):
            yield annotation


def _is_any(annotation: ast.expr) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Any"


# ----------------------------------------------------------------------------- comments, classes


def print_comments(sources: list[Source]) -> None:
    """Prints how many lines of code there are for one comment (of one or several lines)."""
    code, comments, by_package = 0, 0, {}
    for source in sources:
        of_code, of_comments = _count_comments(source)
        code, comments = code + of_code, comments + of_comments
        a, b = by_package.get(source.package, (0, 0))
        by_package[source.package] = (a + of_code, b + of_comments)
    print(f"comments: {comments} in {code} lines of code, one in {code / max(comments, 1):.0f}")
    shares = {name: round(a / max(b, 1)) for name, (a, b) in by_package.items()}
    print(f"  lines of code for one comment: {dict(sorted(shares.items()))}")


def _count_comments(source: Source) -> tuple[int, int]:
    """Returns the number of code lines and of comments; docstrings are neither."""
    docstrings = {
        line
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node.value.value, str) and node.end_lineno
        for line in range(node.lineno, node.end_lineno + 1)
    }
    code: set[int] = set()
    commented: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(source.text).readline):
        if token.type == tokenize.COMMENT and not token.string.startswith(NOT_COMMENTS):
            commented.add(token.start[0])
        elif token.type not in NOT_CODE:
            code.update(range(token.start[0], token.end[0] + 1))
    # Consecutive lines are one comment.
    return len(code - docstrings), sum(line - 1 not in commented for line in commented)


def print_repeated_classes(sources: list[Source]) -> None:
    """Prints the names of classes that several modules define."""
    modules: dict[str, list[str]] = {}
    for source in sources:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.ClassDef):
                modules.setdefault(node.name, []).append(source.name)
    repeated = {name: names for name, names in sorted(modules.items()) if len(names) > 1}
    print(f"class names that are defined more than once: {len(repeated)}")
    for name, names in repeated.items():
        print(f"  {name}: {', '.join(names)}")


def main(folder: Path) -> None:
    sources = read_sources(folder)
    for show in (
        print_sizes,
        print_model,
        print_private_accesses,
        print_any,
        print_comments,
        print_repeated_classes,
    ):
        show(sources)
        print()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[1])
