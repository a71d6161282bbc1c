"""MaskTable: the masks of arrays.

As in Keras, the mask of an array is its attribute `_keras_mask`. Tracers of JAX and arrays of NumPy
take no attributes; their masks are looked up by the identity of the array.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["MaskTable"]


class MaskTable:
    """The masks of arrays; those of arrays without attributes are entries of the table.

    The table references arrays weakly.
    """

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: dict[int, tuple[weakref.ref[Any], Any]] = {}

    def put(self, x: Any, mask: Any) -> None:
        """Attaches a mask to an array; None removes the mask."""
        try:
            x._keras_mask = mask
            return
        except AttributeError:
            key, entries = id(x), self._entries
        if mask is None:
            entries.pop(key, None)
        else:
            entries[key] = (weakref.ref(x, lambda _: entries.pop(key, None)), mask)

    @contextmanager
    def attached(self, pairs: Sequence[tuple[Any, Any]]) -> Iterator[None]:
        """Attaches masks to arrays for the duration of the context, from pairs of both."""
        before = [(x, self.get(x)) for x, _ in pairs]
        try:
            for x, mask in pairs:
                self.put(x, mask)
            yield
        finally:
            for x, mask in before:
                self.put(x, mask)

    def get(self, x: Any) -> Any:
        """Returns the mask of an array, or None."""
        mask = getattr(x, "_keras_mask", None)
        if mask is not None or not self._entries:
            return mask
        entry = self._entries.get(id(x))
        # The id of a deleted array may have been reused before its entry was removed.
        return entry[1] if entry is not None and entry[0]() is x else None
