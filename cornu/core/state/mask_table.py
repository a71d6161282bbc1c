"""MaskTable: which mask belongs to which array."""

from __future__ import annotations

import weakref
from typing import Any

__all__ = ["MaskTable"]


class MaskTable:
    """Maps arrays to their masks, by identity; an entry lives no longer than its array."""

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
        return entry[1] if entry is not None and entry[0]() is x else None

    def __bool__(self) -> bool:
        return bool(self._entries)
