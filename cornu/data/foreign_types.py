"""Recognizes objects of other libraries by their class names, without importing the libraries."""

from __future__ import annotations

from functools import lru_cache

from cornu.types import DataLike

__all__ = ["is_a", "library_of", "named"]

_KNOWN = frozenset(
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
    return next((root for _, root in _bases(type(x)) if root in _KNOWN), None)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _bases(kind: type) -> tuple[tuple[str, str], ...]:
    """Returns the name and the top-level package of a class and of each of its base classes."""
    return tuple((base.__name__, base.__module__.split(".")[0]) for base in kind.__mro__)


def named(x: DataLike) -> str:
    """Returns the name of an object's class with its library, such as `torch.DataLoader`."""
    library, name = library_of(x), type(x).__name__
    own = type(x).__module__.split(".")[0] == library
    return f"{library}.{name}" if library and own else name
