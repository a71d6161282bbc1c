"""Classes and functions of the running program that configs refer to by name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping
from contextvars import ContextVar, Token
from typing import Any, Self

from cornu.registry.names import import_old_classes

__all__ = [
    "custom_object_scope",
    "find_in_scopes",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "register_keras_serializable",
    "registered_names",
]

_custom: dict[str, Any] = {}  # registered name -> class or function of the running program
registered_names: dict[Any, str] = {}  # class or function -> registered name
# The tables of the active `custom_object_scope`s, the innermost first. Each thread has its own:
# two threads may load models with different custom objects at the same time.
_scopes: ContextVar[tuple[Mapping[str, Any], ...]] = ContextVar("custom_object_scopes", default=())


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
    """Returns the registered name of a class or function; its own name if not registered.

    Args:
        obj: the class or function.

    Example:

    >>> import cornu
    >>> cornu.saving.get_registered_name(cornu.layers.Dense)
    'Dense'
    """
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

    Example:

    >>> import cornu
    >>> cornu.saving.get_registered_object("unknown") is None
    True
    """
    for table in (*_scopes.get(), custom_objects, _custom, module_objects):
        if table and name in table:
            return table[name]
    # The classes of old versions are registered by an import that most programs do not need.
    return _custom.get(name) if import_old_classes(name) else None


def get_custom_objects() -> dict[str, Any]:
    """Returns the dict of registered classes and functions by name. Changes to it take effect.

    Example:

    >>> import cornu
    >>> isinstance(cornu.saving.get_custom_objects(), dict)
    True
    """
    return _custom


class custom_object_scope(contextlib.ContextDecorator):  # noqa: N801 - the name in Keras
    """Registers classes and functions by name within a `with` block, in the current thread.

    Args:
        custom_objects: the classes and functions by name.

    Example:

    >>> from cornu import activations
    >>> with custom_object_scope({"twice": lambda x: 2 * x}):
    ...     activations.get("twice")(4)
    8
    """

    def __init__(self, custom_objects: Mapping[str, Any] | None) -> None:
        self.custom_objects = dict(custom_objects or {})
        self._tokens: list[Token[tuple[Mapping[str, Any], ...]]] = []

    def __enter__(self) -> Self:
        self._tokens.append(_scopes.set((self.custom_objects, *_scopes.get())))
        return self

    def __exit__(self, *_: object) -> None:
        _scopes.reset(self._tokens.pop())


def find_in_scopes(name: str) -> Any:
    """Returns what the innermost `custom_object_scope` has under a name, or None."""
    return next((table[name] for table in _scopes.get() if name in table), None)
