"""Lists the paths of Keras that an installed package imports, and which of them cornu has.

The package is not imported: its source is parsed.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from cornu.compat.modules import is_module, is_private, load_module

__all__ = ["Report", "examine"]

_MAX_FILES_SHOWN = 2


class Report(NamedTuple):
    """The paths of Keras that a package imports.

    Attributes:
        package: the package that was examined.
        private: each private path, with the files that use it.
        missing: the paths, private and public, that cornu does not have.
    """

    package: str
    private: dict[str, list[str]]
    missing: dict[str, list[str]]

    def describe(self) -> str:
        """Returns the report as text."""
        lines = [f"{self.package}: {len(self.private)} private paths of Keras"]
        for path, files in sorted(self.private.items()):
            lines.append(_line("missing" if path in self.missing else "found", path, files))
        public = {path: self.missing[path] for path in self.missing if path not in self.private}
        if public:
            lines.append(f"{self.package}: {len(public)} public paths of Keras that cornu lacks")
            lines += [_line("missing", path, files) for path, files in sorted(public.items())]
        return "\n".join(lines)


def examine(package: str) -> Report:
    """Returns the paths of Keras that a package imports.

    Args:
        package: the name of an installed distribution or of an importable package, or the path of
            a file or folder.

    Raises:
        ValueError: there is no such package.

    Example:

    >>> import pathlib, tempfile
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "program.py").write_text("from keras.src.saving import saving_lib")
    >>> list(examine(str(folder)).private)
    ['keras.src.saving.saving_lib']
    """
    used: dict[str, list[str]] = {}
    for folder, path in _sources(package):
        try:
            module = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, UnicodeDecodeError):
            continue  # a template, or a program for another version of Python
        for name in sorted(_keras_paths(module)):
            used.setdefault(name, []).append(path.relative_to(folder).as_posix())
    private = {
        path: files
        for path, files in used.items()
        if path.startswith("keras.") and is_private(_below_keras(path))
    }
    missing = {path: files for path, files in used.items() if not _exists(path)}
    return Report(package, private, missing)


def _line(state: str, path: str, files: list[str]) -> str:
    shown = ", ".join(files[:_MAX_FILES_SHOWN])
    more = len(files) - _MAX_FILES_SHOWN
    return f"  {state:8} {path}  ({shown}{f' and {more} more' if more > 0 else ''})"


def _sources(package: str) -> Iterator[tuple[Path, Path]]:
    """Yields the Python files of a package, each with the folder that its name is relative to."""
    for folder, path in _all_sources(package):
        name = path.name
        if not (name.startswith("test_") or name.endswith("_test.py") or "tests" in path.parts):
            yield folder, path


def _all_sources(package: str) -> Iterator[tuple[Path, Path]]:
    path = Path(package)
    if path.suffix == ".py" and path.is_file():
        yield path.parent, path
    elif path.is_dir() and path.name != package:  # written as a path, not as a name
        yield from ((path, file) for file in sorted(path.rglob("*.py")))
    else:
        yield from _installed_sources(package)


def _installed_sources(package: str) -> Iterator[tuple[Path, Path]]:
    try:
        distribution = importlib.metadata.distribution(package)
    except importlib.metadata.PackageNotFoundError:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
        if spec is None or spec.origin is None:
            raise ValueError(f"package {package!r} is not installed") from None
        origin = Path(spec.origin)
        folder = origin.parent
        if origin.name != "__init__.py":
            yield folder, origin
            return
        yield from ((folder.parent, file) for file in sorted(folder.rglob("*.py")))
        return
    for file in distribution.files or ():
        if file.suffix == ".py":
            yield Path(str(distribution.locate_file(""))), Path(str(file.locate()))


def _keras_paths(module: ast.Module) -> set[str]:
    """Returns the longest paths of Keras that a program imports or reads."""
    names: dict[str, str] = {}  # name in the program -> path of Keras
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for alias in node.names:
                path = _path_of_keras(alias.name)
                if path is not None:
                    found.add(path)
                    # `import keras.src.saving` binds `keras`.
                    root = alias.name.partition(".")[0]
                    names[alias.asname or root] = path if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            # The modules of the package itself may have any names.
            base = f"{'.' * node.level}{node.module}"
            for alias in node.names:
                inner = "" if alias.name == "*" else f".{alias.name}"
                path = _path_of_keras(base + inner)
                if path is not None:
                    found.add(path)
                    names[alias.asname or alias.name] = path
    for name in _assigned_names(module):
        names.pop(name, None)  # not a module everywhere
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute):
            root, chain = _attribute_chain(node)
            path = _path_of_keras(".".join([names.get(root, ""), *chain]))
            if path is not None:
                found.add(path)
    return {path for path in found if not any(other.startswith(f"{path}.") for other in found)}


def _assigned_names(module: ast.Module) -> set[str]:
    """Returns the names of the variables and parameters in a program."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
    return found


def _path_of_keras(path: str) -> str | None:
    """Returns the path of an object of Keras; None if it does not belong to Keras.

    Packages also import Keras from a module of their own, such as `package.backend.keras`.
    """
    if path.startswith(("keras.", "tensorflow.keras.")) or path in ("keras", "tensorflow.keras"):
        return path
    root, _, name = path.rpartition(".")
    return "keras" if name == "keras" and root.endswith("backend") else None


def _attribute_chain(node: ast.expr) -> tuple[str, list[str]]:
    """Returns the name at the root of `name.a.b` and the attributes after it."""
    chain: list[str] = []
    while isinstance(node, ast.Attribute):
        chain.append(node.attr)
        node = node.value
    return (node.id if isinstance(node, ast.Name) else ""), chain[::-1]


def _below_keras(path: str) -> str:
    """Returns a path of Keras without its root."""
    return path.replace("tensorflow.keras", "keras._tf_keras.keras", 1).partition(".")[2]


def _exists(path: str) -> bool:
    """Tells whether cornu has the object of a path of Keras."""
    value: Any = load_module("")
    done = ""
    for name in filter(None, _below_keras(path).split(".")):
        done = f"{done}.{name}".lstrip(".")
        if is_module(done):
            value = load_module(done)
        elif hasattr(value, name):
            value = getattr(value, name)
        else:
            return False
    return True
