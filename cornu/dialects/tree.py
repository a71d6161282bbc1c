"""Module trees of old versions: the contents of each import path, and their installation."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

__all__ = ["install_root", "list_modules", "make_tree"]


def make_tree(
    root: str,
    version: str,
    name: str,
    contents: Mapping[str, Mapping[str, Any]],
    missing: Mapping[str, Mapping[str, str]],
) -> ModuleType:
    """Returns the root of a tree of modules, without installing it.

    Args:
        root: the name of the root, such as "keras".
        version: its `__version__`.
        name: what messages call the version, such as "Keras 2.2".
        contents: the names in each module, by its path below the root; "" is the root.
        missing: names that are not supported, with the reason or what to use, by path.
    """
    modules: dict[str, ModuleType] = {}
    for path, names in sorted(contents.items()):
        full = f"{root}.{path}".rstrip(".")
        module = ModuleType(full, f"{full} of {name}, implemented by cornu.")
        vars(module).update(
            names,
            __path__=[],
            __getattr__=_make_getattr(full, name, missing.get(path, {})),
            __all__=sorted(key for key in names if not key.startswith("_")),
        )
        if path:
            above, _, last = path.rpartition(".")
            vars(modules[above])[last] = module
        modules[path] = module
    vars(modules[""]).update(__version__=version)
    return modules[""]


def _make_getattr(module: str, name: str, missing: Mapping[str, str]) -> Callable[[str], Any]:
    """Returns the `__getattr__` of a module, which raises for names that are not supported."""

    def raise_missing(attribute: str) -> Any:
        if attribute in missing:
            raise NotImplementedError(
                f"{module}.{attribute} of {name} is not supported: {missing[attribute]}"
            )
        raise AttributeError(f"module {module!r} of {name} has no attribute {attribute!r}")

    return raise_missing


def list_modules(module: ModuleType) -> dict[str, ModuleType]:
    """Returns a module and the modules below it by full name."""
    found = {module.__name__: module}
    for value in vars(module).copy().values():
        if isinstance(value, ModuleType) and value.__name__.startswith(f"{module.__name__}."):
            found |= list_modules(value)
    return found


def install_root(root: ModuleType) -> None:
    """Makes a tree importable in this process under the name of its root.

    Raises:
        RuntimeError: another module with this name is already imported.
    """
    known = sys.modules.get(root.__name__)
    if known is not None and known is not root:
        raise RuntimeError(
            f"Keras {vars(known).get('__version__', '')} is already imported from "
            f"{vars(known).get('__file__')}. Install the dialect before anything imports keras."
        )
    sys.modules.update(list_modules(root))
