"""Objects of an installed Keras that a program passes to cornu."""

from __future__ import annotations

from typing import Any

__all__ = ["describe_replacement", "is_of_keras", "keras_class"]

_PACKAGES = frozenset(("keras", "tf_keras", "tensorflow"))


def keras_class(obj: Any) -> Any:
    """Returns the first class of Keras among the bases of an object or class; None for others."""
    cls = obj if isinstance(obj, type) else type(obj)
    return next((base for base in cls.__mro__ if is_of_keras(base)), None)


def is_of_keras(obj: Any) -> bool:
    """Tells whether a class or function is defined in an installed Keras."""
    module = getattr(obj, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] in _PACKAGES


def describe_replacement(obj: Any, package: str, base: str) -> str:
    """Returns what to write instead of an object of Keras; an empty string for other objects.

    Args:
        obj: the object, or its class.
        package: the package of cornu with the classes of this kind, such as "layers".
        base: the class from which classes of this kind are derived, such as "Layer".
    """
    found = keras_class(obj)
    if found is None:
        return ""
    cls = obj if isinstance(obj, type) else type(obj)
    if cls is found:
        name = f"{package}.{cls.__name__}"
        if package == "layers" and ".models." in cls.__module__:
            name = "Model" if cls.__name__ == "Functional" else cls.__name__
        return f"\nIt is an object of Keras: write cornu.{name}(...) instead."
    return f"\nIts class is one of Keras: derive {cls.__name__} from cornu.{package}.{base}."
