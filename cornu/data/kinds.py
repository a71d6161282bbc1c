"""Kinds: objects of other libraries, told by the names of their classes without importing these."""

from __future__ import annotations

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
    return any(
        base.__name__ in names and base.__module__.split(".")[0] == library
        for base in type(x).__mro__
    )


def library_of(x: Any) -> str | None:
    """Returns the library of data that an object belongs to, itself or by a base class."""
    roots = (base.__module__.split(".")[0] for base in type(x).__mro__)
    return next((root for root in roots if root in _KNOWN), None)


def named(x: Any) -> str:
    """Returns the name of an object's class as users write it: `torch.DataLoader`."""
    library, name = library_of(x), type(x).__name__
    own = type(x).__module__.split(".")[0] == library
    return f"{library}.{name}" if library and own else name
