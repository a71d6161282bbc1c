"""The modules that programs import as `keras` and below it.

Modules of the public API are cornu's own: `keras.layers is cornu.layers`. The others, and the root
because of its version, are objects of `Facade`, which look their names up in cornu.
"""

from __future__ import annotations

import functools
import importlib
import importlib.machinery
import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from cornu import names
from cornu._version import KERAS_VERSION
from cornu.compat.private_paths import ALIASES, ROWS, find_row
from cornu.compat.public_paths import MODULES

__all__ = [
    "Facade",
    "TensorFlow",
    "add_private_members",
    "describe_missing",
    "is_module",
    "is_private",
    "load_module",
]

_TF_KERAS, _API = ALIASES
# Packages on the way to a path of a row, such as "src" for "src.saving".
_PACKAGES = frozenset(
    ".".join(parts[:end])
    for parts in (path.split(".") for path in (*ALIASES, *(row.path for row in ROWS)))
    for end in range(1, len(parts))
)

_PRIVATE = frozenset(package.partition(".")[0] for package in _PACKAGES)


class Facade(ModuleType):
    """A module of Keras that has no counterpart in cornu, or another content than it.

    Args:
        path: the path below `keras`, or "" for `keras` itself.
        target: the path below `cornu` of the module whose public names it has, or None.
    """

    def __init__(self, path: str, target: str | None) -> None:
        name = f"keras.{path}".rstrip(".")
        super().__init__(name, f"{name}, implemented by cornu.")
        self.__path__: list[str] = []
        self.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        # Programs look for files beside Keras, and print where it is installed.
        self.__file__ = str(Path(names.__file__).with_name("__init__.py"))
        self._path_ = path
        self._target_ = target

    def __getattr__(self, name: str) -> Any:
        value = self._find_(name)
        add_private_members()
        vars(self)[name] = value  # later accesses do not come here
        return value

    def _find_(self, name: str) -> Any:
        path = f"{self._path_}.{name}".lstrip(".")
        row = find_row(path)
        if row is not None and ":" in row.target:
            return _load_object(row.target)
        if is_module(path):
            return load_module(path)
        if self._target_ is not None and (name == "__all__" or not name.startswith("__")):
            return getattr(importlib.import_module(_cornu_path(self._target_)), name)
        raise AttributeError(describe_missing(path))

    def __dir__(self) -> list[str]:
        names = {key for key in vars(self).copy() if not key.endswith("_")}
        if self._target_ is not None:
            names.update(dir(importlib.import_module(_cornu_path(self._target_))))
        return sorted(names)


class TensorFlow(ModuleType):
    """`tensorflow` where it is not installed: it has `tensorflow.keras` and nothing else."""

    def __init__(self) -> None:
        super().__init__("tensorflow", "tensorflow.keras, implemented by cornu.")
        self.__path__: list[str] = []
        self.__spec__ = importlib.machinery.ModuleSpec("tensorflow", None, is_package=True)

    def __getattr__(self, name: str) -> Any:
        if name == "keras":
            return load_module(_TF_KERAS)
        raise AttributeError(
            f"tensorflow.{name} is not available: TensorFlow is not installed. "
            "cornu.install_as_keras() provides tensorflow.keras only."
        )


def add_private_members() -> None:
    """Adds the private members of Keras's classes to those classes that have been imported."""
    # Imported here, since it imports JAX, which `install_as_keras()` need not do.
    importlib.import_module("cornu.compat.private.members").add_members()


def is_module(path: str) -> bool:
    """Tells whether there is a module at a path below `keras`."""
    path = _without_alias(path)
    row = find_row(path)
    if row is not None:
        return ":" not in row.target
    return path in ("", _TF_KERAS) or path in _PACKAGES or _is_public_module(path)


@functools.cache
def load_module(path: str) -> ModuleType:
    """Returns the module at a path below `keras`.

    Args:
        path: a path for which `is_module` is true.
    """
    short = _without_alias(path)
    if short != path:
        return load_module(short)
    if _is_public_module(path):
        return importlib.import_module(_cornu_path(path))
    row = find_row(path)
    if row is not None:
        return Facade(path, row.target)
    module = Facade(path, "" if path in ("", _TF_KERAS) else None)
    if module._target_ is not None:
        vars(module).update(__version__=KERAS_VERSION, version=_version)
    return module


def is_private(path: str) -> bool:
    """Tells whether a path below `keras` does not belong to the public API."""
    return path.partition(".")[0] in _PRIVATE


def describe_missing(path: str) -> str:
    """Returns the message for a path below `keras` that cornu does not have."""
    if not is_private(path):
        return f"module 'keras', which is cornu, has no {path!r}"
    return (
        f"keras.{path} is a private path of Keras, and cornu has no object for it. Import the "
        "public name instead, if there is one. If an installed package imports this path, add a "
        "row to cornu/compat/private_paths.py; `python -m cornu doctor PACKAGE` lists the private "
        "paths that a package imports."
    )


def _is_public_module(path: str) -> bool:
    return path in MODULES and importlib.util.find_spec(_cornu_path(path)) is not None


def _version() -> str:
    """Returns the version of Keras whose API this is."""
    return KERAS_VERSION


def _without_alias(path: str) -> str:
    """Returns the path of the public module that a path in an alias of the API stands for."""
    for alias in ALIASES:
        below = path.removeprefix(alias)
        if below != path and below.startswith(".") and find_row(path) is None:
            return below[1:]
    return "" if path == _API else path


def _cornu_path(path: str) -> str:
    return f"cornu.{path}".rstrip(".")


def _load_object(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(_cornu_path(module)), name)
