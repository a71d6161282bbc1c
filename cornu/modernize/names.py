"""Where names of old versions are today, below `keras`."""

from __future__ import annotations

import functools
import importlib
import types
from collections.abc import Iterator
from typing import Any

__all__ = ["find_today", "look_up", "object_of_today", "path_of_object"]

# Today's API: the namespaces of the root, which are loaded when they are first used.
_TODAY = importlib.import_module("cornu")

# First parts of paths that have another name.
_MODULES = {"objectives": "losses", "initializations": "initializers"}
# Objects with another name.
_NAMES = {
    "constraints.max_norm": "constraints.MaxNorm",
    "constraints.maxnorm": "constraints.MaxNorm",
    "constraints.min_max_norm": "constraints.MinMaxNorm",
    "constraints.minmaxnorm": "constraints.MinMaxNorm",
    "constraints.non_neg": "constraints.NonNeg",
    "constraints.nonneg": "constraints.NonNeg",
    "constraints.unit_norm": "constraints.UnitNorm",
    "constraints.unitnorm": "constraints.UnitNorm",
    "regularizers.ActivityRegularizer": "regularizers.L1L2",
    "regularizers.WeightRegularizer": "regularizers.L1L2",
    "regularizers.activity_l1": "regularizers.L1",
    "regularizers.activity_l1l2": "regularizers.L1L2",
    "regularizers.activity_l2": "regularizers.L2",
    "regularizers.l1l2": "regularizers.L1L2",
    "utils.Sequence": "utils.PyDataset",
    "utils.data_utils.Sequence": "utils.PyDataset",
    "utils.visualize_util.plot": "utils.plot_model",
}
# Modules in which names of today are searched, those of parts before the root.
_SEARCHED = (
    *("layers", "models", "optimizers", "callbacks", "losses", "metrics", "initializers"),
    *("regularizers", "constraints", "utils", ""),
)


def look_up(root: Any, path: str) -> Any:
    """Returns the object at a path below a module; None if there is none."""
    found = root
    for part in filter(None, path.split(".")):
        try:
            found = getattr(found, part)
        except (AttributeError, NotImplementedError, ImportError):
            return None
    return found


def object_of_today(path: str) -> Any:
    """Returns the object at a path below `keras` today; None if there is none."""
    return look_up(_TODAY, path)


@functools.cache
def find_today(path: str) -> str | None:
    """Returns the path below `keras` where something is today.

    Intermediate modules that no longer exist are left out.

    Args:
        path: its path in the old version.

    Example:

    >>> find_today("layers.core.Dense"), find_today("engine.topology.Layer")
    ('layers.Dense', 'Layer')
    >>> find_today("utils.visualize_util.plot"), find_today("layers.SReLU")
    ('utils.plot_model', None)
    """
    for candidate in _candidates(path):
        if object_of_today(candidate) is not None:
            return candidate
    return None


def _candidates(path: str) -> Iterator[str]:
    first, _, rest = path.partition(".")
    path = f"{_MODULES.get(first, first)}.{rest}".rstrip(".")
    *parts, name = path.split(".")
    for end in range(len(parts), -1, -1):
        candidate = ".".join([*parts[:end], name])
        yield _NAMES.get(candidate, candidate)
    if parts[:1] == ["engine"]:
        yield f"utils.{name}"


@functools.cache
def _paths() -> dict[int, str]:
    found: dict[int, str] = {}
    for module in _SEARCHED:
        owner = object_of_today(module)
        for name in owner.__all__:
            value = getattr(owner, name)
            path = f"{module}.{name}".lstrip(".")
            # Not an alias, such as MaxPool2D.
            if getattr(value, "__name__", name) == name and not isinstance(value, types.ModuleType):
                found.setdefault(id(value), path)
    return found


def path_of_object(value: Any) -> str | None:
    """Returns the path below `keras` of a class or function of today; None if it has none.

    Example:

    >>> path_of_object(object_of_today("layers.MaxPool2D"))
    'layers.MaxPooling2D'
    """
    return _paths().get(id(value))
