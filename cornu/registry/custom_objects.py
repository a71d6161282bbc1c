"""Classes and functions of the running program that configs refer to by name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_custom: dict[str, Any] = {}  # registered name -> class or function of the running program
registered_names: dict[Any, str] = {}  # class or function -> registered name
_scopes: list[dict[str, Any]] = []


def register_keras_serializable(
    package: str = "Custom", name: str | None = None
) -> Callable[[Any], Any]:
    """Decorates a class or function so that configs and files can refer to it by name.

    Args:
        package: the prefix of the registered name, which distinguishes equal names.
        name: the name; by default that of the class or function.

    Raises:
        ValueError: a class has no `get_config()` method.

    Example:

    >>> @register_keras_serializable(package="shop")
    ... def double(x):
    ...     return 2 * x
    >>> get_registered_name(double)
    'shop>double'
    """

    def register(obj: Any) -> Any:
        key = f"{package}>{name or obj.__name__}"
        if inspect.isclass(obj) and not hasattr(obj, "get_config"):
            raise ValueError(
                f"Class {obj.__name__} cannot be registered: it has no `get_config()` method."
            )
        _custom[key] = obj
        registered_names[obj] = key
        return obj

    return register


def get_registered_name(obj: Any) -> str:
    """Returns the registered name of a class or function; its own name if not registered."""
    return registered_names.get(obj, getattr(obj, "__name__", str(obj)))


def get_registered_object(
    name: str,
    custom_objects: Mapping[str, Any] | None = None,
    module_objects: Mapping[str, Any] | None = None,
) -> Any:
    """Returns the class or function that is registered under a name, or None.

    Args:
        name: the registered name.
        custom_objects: classes and functions by name that take precedence over registered ones.
        module_objects: classes and functions by name that are used if none is registered.
    """
    for table in (*reversed(_scopes), custom_objects, _custom, module_objects):
        if table and name in table:
            return table[name]
    return None


def get_custom_objects() -> dict[str, Any]:
    """Returns the dict of registered classes and functions by name. Changes to it take effect."""
    return _custom


@contextlib.contextmanager
def custom_object_scope(custom_objects: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Registers classes and functions by name within a `with` block.

    Example:

    >>> from cornu import activations
    >>> with custom_object_scope({"twice": lambda x: 2 * x}):
    ...     activations.get("twice")(4)
    8
    """
    _scopes.append(dict(custom_objects or {}))
    try:
        yield
    finally:
        _scopes.pop()


def find_in_scopes(name: str) -> Any:
    return next((table[name] for table in reversed(_scopes) if name in table), None)
