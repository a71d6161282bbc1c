"""The classes and functions of the library by category and name.

Packages register their names when they are imported. A search for an unknown name imports the
package of its category, and nothing else.
"""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from cornu.late_names import import_all
from cornu.types import Config

__all__ = [
    "PACKAGES",
    "add_class",
    "add_function",
    "category_of",
    "classes",
    "find_distributions",
    "find_export",
    "find_pickling",
    "functions",
    "import_old_classes",
    "search",
]

classes: dict[str, dict[str, type]] = {}  # category -> class name -> class
functions: dict[str, dict[str, Callable[..., Any]]] = {}  # category -> name -> function

# Category -> the modules that register its names. They are imported when a name is not found: in a
# program that uses `cornu.Layer` and nothing else, the initializers have not been imported.
PACKAGES = {
    "activations": ("cornu.activations",),
    "constraints": ("cornu.constraints",),
    "distillation": ("cornu.distillation",),
    "dtype_policies": ("cornu.dtype_policies",),
    "initializers": ("cornu.initializers",),
    # Sequential and Functional are layers.
    "layers": ("cornu.models", "cornu.layers"),
    "losses": ("cornu.losses",),
    "metrics": ("cornu.metrics",),
    "optimizers": ("cornu.optimizers",),
    "optimizers.schedules": ("cornu.optimizers",),
    "quantizers": ("cornu.quantizers",),
    "regularizers": ("cornu.regularizers",),
    "weight_forms": ("cornu.quantizers.forms",),
}


# The layers of single networks are found only by configs that name their module, and messages do
# not suggest them.
NETWORKS = {
    "convnext": ("cornu.applications.convnext",),
    "inception_resnet_v2": ("cornu.applications.inception_resnet_v2",),
}


# The packages under which the classes and functions of old versions are registered.
_OLD_VERSIONS = frozenset(("keras1", "keras2", "keras2.0", "keras2.1", "tf.keras1", "tf.keras2"))


def add_class(category: str, cls: type, *names: str) -> None:
    """Registers a class of the library in a category under additional names."""
    for name in names:
        classes.setdefault(category, {})[name] = cls


def add_function(category: str, fn: Callable[..., Any], *names: str) -> None:
    """Registers a function of the library in a category, under its own or the given names."""
    table = functions.setdefault(category, {})
    for name in names or (fn.__name__,):
        table[name] = fn


def category_of(config: Config) -> str | None:
    """Returns the category in the module name of a config, such as "layers", or None."""
    module = config.get("module") or ""
    last = module.rpartition(".")[2]
    known: tuple[Mapping[str, Any], ...] = (PACKAGES, NETWORKS, classes, functions)
    return last if any(last in names for names in known) else None


def search(
    name: str, category: str | None, *registries: Mapping[str, Mapping[str, Any]]
) -> tuple[Any, list[Mapping[str, Any]]]:
    """Returns the entry with a name, or None, and the tables that were searched.

    Args:
        name: the name of a class or function.
        category: the category to search in; None for all.
        *registries: tables by category, in the order in which they are searched.
    """
    tables: list[Mapping[str, Any]] = []
    for is_loaded in (False, True):
        if is_loaded:
            named = [{**PACKAGES, **NETWORKS}.get(category, ())] if category else PACKAGES.values()
            for package in itertools.chain.from_iterable(named):
                importlib.import_module(package)
                import_all(package)
        if category:
            tables = [registry.get(category, {}) for registry in registries]
        else:
            tables = [
                table
                for registry in registries
                for key, table in registry.items()
                if key not in NETWORKS
            ]
        for table in tables:
            if name in table:
                return table[name], tables
    return None, tables


def find_pickling() -> ModuleType:
    """Returns the module that pickles and copies objects, which is imported when it is needed.

    It is not in `PACKAGES`: a config must not find its functions.
    """
    return importlib.import_module("cornu.saving.pickling")


def find_export() -> ModuleType:
    """Returns the module that exports models, which is imported when it is needed."""
    return importlib.import_module("cornu.export.export_model")


def import_old_classes(name: object) -> bool:
    """Returns whether a registered name is that of a class of an old version, and imports these."""
    if not isinstance(name, str) or name.partition(">")[0] not in _OLD_VERSIONS:
        return False
    importlib.import_module("cornu.legacy.registered")
    return True


def find_distributions() -> ModuleType:
    """Returns the module of distributions by name, which is imported when it is needed."""
    return importlib.import_module("cornu.distribution")
