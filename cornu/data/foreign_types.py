"""Kinds: objects of other libraries, told by the names of their classes without importing these."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["is_a", "library_of", "named"]

_KNOWN = frozenset(
    ("datasets", "grain", "h5py", "keras", "pandas", "polars", "scipy", "tensorflow", "torch")
)


def is_a(x: Any, library: str, *names: str) -> bool:
    """Tells whether something is of one of some classes of a library, or of a subclass.

    Example:

    >>> is_a(True, "builtins", "int"), is_a(True, "torch", "Tensor")
    (True, False)
    """
    return any(name in names and root == library for name, root in _bases(type(x)))  # type: ignore[arg-type]


def library_of(x: Any) -> str | None:
    """Returns the library of data that an object belongs to, itself or by a base class."""
    return next((root for _, root in _bases(type(x)) if root in _KNOWN), None)  # type: ignore[arg-type]


@lru_cache(maxsize=1024)
def _bases(kind: type) -> tuple[tuple[str, str], ...]:
    """Returns the names of a class and of those it derives from, each with that of its package."""
    return tuple((base.__name__, base.__module__.split(".")[0]) for base in kind.__mro__)


def named(x: Any) -> str:
    """Returns the name of an object's class as users write it: `torch.DataLoader`."""
    library, name = library_of(x), type(x).__name__
    own = type(x).__module__.split(".")[0] == library
    return f"{library}.{name}" if library and own else name
