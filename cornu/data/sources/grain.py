"""Grain: its datasets and loaders as sources of batches."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from cornu.data.sources.stream import Stream

__all__ = ["Grain"]


class Grain(Stream):
    """Batches of a `grain.MapDataset`, `IterDataset` or `DataLoader`.

    Their iterators report their position, and continue from it exactly.
    """

    resumes = "batch"

    def _open(self) -> Iterator[Any]:
        return iter(self._source)

    def _position(self) -> Any:
        iterator: Any = self._iterator
        state = iterator.get_state()
        return state.decode() if isinstance(state, bytes) else copy.deepcopy(state)

    def _set_position(self, position: Any) -> None:
        iterator: Any = self._iterator
        iterator.set_state(position.encode() if isinstance(position, str) else position)
