"""Public names of a package whose module is imported when one of them is first used."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from typing import Any

__all__ = ["import_all", "import_late", "late_names"]

late_names: dict[str, dict[str, str]] = {}  # package -> public name -> the module that has it


def import_late(package: str, names: Mapping[str, Iterable[str]]) -> None:
    """Makes a package import some of its public names when they are first used.

    This is for modules that many programs do not need and that take long to import. The names are
    in the `__all__` of the package, and in an `if TYPE_CHECKING:` block for editors.

    Args:
        package: the name of the package, which has called `suggest_names`.
        names: module -> the names that it has.
    """
    contents = vars(sys.modules[package])
    modules = {name: module for module, found in names.items() for name in found}
    late_names[package] = modules
    for name in modules:
        contents.pop(name, None)  # a submodule of this name, which has been imported
    raise_unknown = contents["__getattr__"]

    def find(name: str) -> Any:
        if name not in modules:
            try:
                return raise_unknown(name)
            except AttributeError as error:
                error.__traceback__ = None  # a bare `raise` adds no frame of the library
                raise
        module = importlib.import_module(modules[name])
        # Later accesses do not come here. All names of the module are set, since the import has set
        # the module itself if it has the name of a function.
        for other, path in modules.items():
            if path == modules[name]:
                contents[other] = getattr(module, other)
        return contents[name]

    contents["__getattr__"] = find


def import_all(package: str) -> None:
    """Imports the modules that a package imports late, so that they register their classes."""
    for module in late_names.get(package, {}).values():
        importlib.import_module(module)
