"""Checks the imports of the library against the dependency order of its packages.

Imports only point down. A module may import from a lower level and from its own, but the
packages on level 4 do not import each other, and no two modules import each
other in a cycle. Imports are at the top of a file, where a reader and this
checker see it. Everything here is read from source: nothing is imported, so the checker also
works on a tree that does not run.

    11  cornu/__init__.py, cornu/__main__.py
    10  compat, dialects, modernize
     9  applications, cli, datasets, demo, distillation, export, wrappers; utils,
        backend, config, info;
        facades
     8  models
     7  training
     6  callbacks, distribution, inspect
     5  saving, legacy
     4  layers | losses | metrics | optimizers | data
     3  parts, quantizers, random
     2  ops
     1  core
     0  settings, deviations, errors, foreign, late_names, names, registry, renamed, process, seeds,
        graphics, launcher, terminal, tree, types, _version

A *facade* is a module that only gives names of others a public address, such as
`cornu.activations` for what lives in `cornu.parts`. It holds no function, class or call except
`suggest_names(...)` and `import_late(...)`, and needs no entry in the order: it is on level 9, so
that nothing inside the library imports it.
"""

import ast
import graphlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ORDER = {
    11: ["__main__"],
    10: ["compat", "dialects", "modernize"],
    9: [
        *["applications", "cli", "datasets", "demo", "distillation", "export"],
        *["utils", "backend", "config", "dtype_policies", "info"],
        *["serving", "wrappers"],
    ],
    8: ["models"],
    7: ["training"],
    6: ["callbacks", "distribution", "inspect"],
    5: ["saving", "legacy"],
    4: ["layers", "losses", "metrics", "optimizers", "data"],
    3: ["parts", "quantizers", "random"],
    2: ["ops"],
    1: ["core"],
    0: [
        *["settings", "deviations", "errors", "foreign", "late_names", "names", "registry"],
        *["renamed", "graphics", "launcher", "process", "seeds", "terminal", "tree", "types"],
        "_version",
    ],
}
LEVEL = {package: level for level, packages in ORDER.items() for package in packages}
TOP = 11
FACADE = 9
SIBLINGS = 4

# Packages that a user may not have, or that cost more to import than most users need.
OPTIONAL = (
    *["h5py", "safetensors", "rich", "optax", "flax", "tensorboard", "torch", "tensorflow"],
    *[
        "grain",
        "orbax",
        "jax.export",
        "jax.extend",
        "jax.experimental",
        "IPython",
        "matplotlib",
        "PIL",
        "simplejpeg",
        "onnx",
        "onnxruntime",
        "scipy",
    ],
    *["pandas", "polars", "datasets", "ray", "sklearn", "yaml"],
    "huggingface_hub",
)

# Modules that import by a name which is not written there: the root loads its namespaces when
# they are first used, packages so import rarely used names (`late_names`), the command line and the
# dialects install the requested dialect, `modernize` looks up today's API, and the registry imports
# the package of a category whose names are looked up.
DYNAMIC = (
    "cornu.cli",
    "cornu.compat",
    "cornu.dialects",
    "cornu.late_names",
    "cornu.modernize",
    "cornu.registry.names",
)


@dataclass(frozen=True)
class Import:
    """A module imported by one line of source."""

    importer: str
    target: str
    where: str
    hidden: bool
    """Inside a function, so that it runs late or never."""
    typing: bool
    """Under `if TYPE_CHECKING`, so that it never runs."""


class Source:
    """One module: its dotted name, its file and its syntax tree."""

    def __init__(self, name: str, path: Path, root: Path):
        self.name = name
        self.path = path
        self.shown = path.relative_to(root.parent).as_posix()
        self.tree = ast.parse(path.read_text(encoding="utf-8"), filename=self.shown)
        self.is_package = path.name == "__init__.py"

    def at(self, line: int) -> str:
        return f"{self.shown}:{line}"

    def is_facade(self) -> bool:
        work = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Call)
        return not any(
            isinstance(node, work) and not self._names_others(node) for node in ast.walk(self.tree)
        )

    @staticmethod
    def _names_others(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and _called(node).lstrip("_") in (
            "suggest_names",
            "import_late",
        )


def read(root: Path) -> dict[str, Source]:
    """Reads every module under the package folder `root`, by dotted name."""
    sources = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        sources[name] = Source(name, path, root)
    return sources


def check(root: Path) -> list[str]:
    """The imports under `root` that break the order, as `file:line: what is wrong. what to do`."""
    sources = read(root)
    imports = [found for source in sources.values() for found in _imports(source, sources)]
    return [
        *_not_in_the_order(root.name, sources),
        *_pointing_up(root.name, imports),
        *_hidden(root.name, imports),
        *_dynamic(root.name, sources),
        *_cycles(root.name, imports, sources),
    ]


def _not_in_the_order(package: str, sources: dict[str, Source]) -> Iterator[str]:
    for source in sources.values():
        found = _package(source.name)
        if source.name != package and found not in LEVEL and not source.is_facade():
            yield (
                f"{source.at(1)}: {found} is not in the dependency order. Give it a level in "
                "tests/architecture/dependency_order.py, or let it only re-export names."
            )


def _pointing_up(package: str, imports: list[Import]) -> Iterator[str]:
    for found in imports:
        if not _inside(found.target, package):
            continue
        here, there = _level(found.importer), _level(found.target)
        move = f"{found.importer} (level {here}) imports {found.target} (level {there})"
        if there > here:
            yield (
                f"{found.where}: {move}, which is upward. Move what both need to a lower level, "
                "take it as an argument, or find it through the registry."
            )
        elif here == there == SIBLINGS and _package(found.importer) != _package(found.target):
            yield (
                f"{found.where}: {move}, a sibling. The packages on level {SIBLINGS} do not "
                "import each other: move what both need to ops or parts."
            )


def _hidden(package: str, imports: list[Import]) -> Iterator[str]:
    for found in imports:
        optional = any(_inside(found.target, name) for name in OPTIONAL)
        if found.hidden and not optional and found.importer != package:
            yield (
                f"{found.where}: the import of {found.target} is hidden in a function. Move it to "
                "the top of the file; if that makes a cycle, the code is on the wrong level. "
                "Only optional packages may wait: " + ", ".join(OPTIONAL) + "."
            )


def _dynamic(package: str, sources: dict[str, Source]) -> Iterator[str]:
    for source in sources.values():
        if source.name == package or any(_inside(source.name, name) for name in DYNAMIC):
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and _called(node) in ("import_module", "__import__"):
                yield (
                    f"{source.at(node.lineno)}: a module is imported by a computed name. Write "
                    "an import statement; to find a class by its name, ask the registry."
                )


def _cycles(package: str, imports: list[Import], sources: dict[str, Source]) -> Iterator[str]:
    graph: dict[str, set[str]] = {name: set() for name in sources}
    lines: dict[tuple[str, str], str] = {}
    for found in imports:
        if found.hidden or found.typing or not _inside(found.target, package):
            continue
        for target in _run_by(found, package):
            if target in graph and target != found.importer:
                graph[found.importer].add(target)
                lines.setdefault((found.importer, target), found.where)
    while cycle := _cycle(graph):
        steps = list(zip(cycle, cycle[1:], strict=False))
        yield (
            f"{lines[steps[0]]}: modules import each other in a cycle: "
            + ", ".join(f"{a} imports {b} ({lines[a, b]})" for a, b in steps)
            + ". Import a name from the module that defines it rather than from its package, or "
            "move what they share to a module of its own."
        )
        for a, b in steps:
            graph[a].discard(b)


def _cycle(graph: dict[str, set[str]]) -> list[str]:
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        # The sorter lists a module after what it imports; a reader wants the other direction.
        return error.args[1][::-1]
    return []


def _imports(source: Source, sources: dict[str, Source]) -> Iterator[Import]:
    for node, hidden, typing in _statements(source.tree):
        for target in _targets(node, source, sources):
            yield Import(source.name, target, source.at(node.lineno), hidden, typing)


def _statements(
    node: ast.AST, hidden: bool = False, typing: bool = False
) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool, bool]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.Import() | ast.ImportFrom():
                yield child, hidden, typing
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _statements(child, True, typing)
            case ast.If(test=ast.Name("TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING")):
                yield from _statements(ast.Module(child.body, []), hidden, True)
                yield from _statements(ast.Module(child.orelse, []), hidden, typing)
            case _:
                yield from _statements(child, hidden, typing)


def _targets(
    node: ast.Import | ast.ImportFrom, source: Source, sources: dict[str, Source]
) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    base = node.module or ""
    if node.level:
        parts = source.name.split(".")
        up = node.level - source.is_package
        base = ".".join(parts[: len(parts) - up] + ([base] if base else []))
    ours = _inside(base, source.name.split(".")[0])
    for alias in node.names:
        full = f"{base}.{alias.name}"
        # Of another package the full name is kept: `from jax import export` means jax.export.
        yield full if full in sources or not ours else base


def _run_by(found: Import, package: str) -> Iterator[str]:
    """The modules that an import runs: importing a.b.c also runs a and a.b, if they did not yet."""
    yield found.target
    parts = found.target.split(".")
    for end in range(2, len(parts)):
        parent = ".".join(parts[:end])
        if not _inside(found.importer, parent):
            yield parent


def _called(node: ast.Call) -> str:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _package(module: str) -> str:
    """The second word of a dotted name: `layers` for `cornu.layers.dense`, empty for the root."""
    return module.partition(".")[2].partition(".")[0]


def _level(module: str) -> int:
    return LEVEL.get(_package(module), FACADE) if "." in module else TOP


def _inside(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")
