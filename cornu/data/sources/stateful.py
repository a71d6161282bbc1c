"""Stateful: data loaders with `state_dict` and `load_state_dict` as sources of batches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.data.sources.stream import Stream

__all__ = ["Stateful"]


class Stateful(Stream):
    """Batches of a loader with `state_dict()`, such as torchdata's StatefulDataLoader."""

    resumes = "batch"

    def _position(self) -> Any:
        return self._source.state_dict()

    def _seek(self, number: int, count: int, position: Any) -> None:
        if count:  # the state applies to the next iterator
            self._source.load_state_dict(position)
        self._skip_to(number - 1)
        self._begin()
        self._count = count

    def _open(self) -> Iterator[Any]:
        return iter(self._source)
