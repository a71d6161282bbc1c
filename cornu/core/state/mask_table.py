"""MaskTable: the masks of arrays.

In Keras, a mask is an attribute of a tensor. JAX arrays have no attributes, so masks are looked up
by the identity of the array.
"""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["MaskTable"]


class MaskTable:
    """A mapping from arrays to their masks, by identity. Arrays are referenced weakly."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def put(self, x: Any, mask: Any) -> None:
        """Attaches a mask to an array."""
        key = id(x)
        entries = self._entries
        entries[key] = (weakref.ref(x, lambda _: entries.pop(key, None)), mask)

    def get(self, x: Any) -> Any:
        """Returns the mask of an array, or None."""
        entry = self._entries.get(id(x))
        # The id of a deleted array may have been reused before its entry was removed.
        return entry[1] if entry is not None and entry[0]() is x else None

    def __bool__(self) -> bool:
        return bool(self._entries)
