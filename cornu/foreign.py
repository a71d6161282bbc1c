"""Recognizes objects of other libraries by their classes, without importing the libraries."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cornu.types import DataLike

__all__ = [
    "describe_class",
    "describe_replacement",
    "is_a",
    "is_of_keras",
    "keras_class",
    "library_of",
]

_KERAS = frozenset(("keras", "tf_keras", "tensorflow"))
_DATA_LIBRARIES = frozenset(
    ("datasets", "grain", "h5py", "keras", "pandas", "polars", "scipy", "tensorflow", "torch")
)


def is_a(x: DataLike, library: str, *names: str) -> bool:
    """Whether an object is an instance of one of the named classes of a library.

    Example:

    >>> is_a(True, "builtins", "int"), is_a(True, "torch", "Tensor")
    (True, False)
    """
    return any(name in names and root == library for name, root in _bases(type(x)))  # type: ignore[arg-type]


def library_of(x: DataLike) -> str | None:
    """Returns the data library that defines the class of an object or one of its base classes."""
    return next((root for _, root in _bases(type(x)) if root in _DATA_LIBRARIES), None)  # type: ignore[arg-type]


def describe_class(x: DataLike) -> str:
    """Returns the name of an object's class with its library, such as `torch.DataLoader`."""
    library, name = library_of(x), type(x).__name__
    own = type(x).__module__.split(".")[0] == library
    return f"{library}.{name}" if library and own else name


@lru_cache(maxsize=1024)
def _bases(kind: type) -> tuple[tuple[str, str], ...]:
    """Returns the name and the top-level package of a class and of each of its base classes."""
    return tuple((base.__name__, base.__module__.split(".")[0]) for base in kind.__mro__)


def keras_class(obj: Any) -> Any:
    """Returns the first class of Keras among the bases of an object or class; None for others."""
    cls = obj if isinstance(obj, type) else type(obj)
    return next((base for base in cls.__mro__ if is_of_keras(base)), None)


def is_of_keras(obj: Any) -> bool:
    """Tells whether a class or function is defined in an installed Keras."""
    module = getattr(obj, "__module__", None)
    return isinstance(module, str) and module.partition(".")[0] in _KERAS


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
