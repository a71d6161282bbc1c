"""Stateful: loaders that say where they are, by `state_dict` and `load_state_dict`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from cornu.data.sources.stream import Stream

__all__ = ["Stateful"]


class Stateful(Stream):
    """Batches of a loader with `state_dict()`, as torchdata's StatefulDataLoader has it."""

    resumes = "batch"

    def _mark(self) -> Any:
        return self._source.state_dict()

    def _reach(self, number: int, count: int, mark: Any) -> None:
        if count:  # the state is taken up by the next iterator
            self._source.load_state_dict(mark)
        self._skip_to(number - 1)
        self._begin()
        self._count = count

    def _open(self) -> Iterator[Any]:
        return iter(self._source)
