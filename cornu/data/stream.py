"""Stream: batches that come one after another, from a generator, a sequence or any iterable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from cornu.data.pydataset import PyDataset

__all__ = ["Stream"]


class Stream:
    """Batches from an iterable.

    Args:
        source: an iterable of batches `x`, `(x, y)` or `(x, y, sample_weight)`; an object with
            `__getitem__` and `__len__` is read by index, and told of each epoch's end.
        steps: batches of an epoch; by default as many as there are.
        convert: what is applied to each batch.
        shuffle: whether an indexed source is read in a new order each epoch.

    Attributes:
        steps: batches of an epoch, or None until the first has ended.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None,
        convert: Callable[[Any], Any],
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        self._source = source
        self._indexed = hasattr(source, "__getitem__") and hasattr(source, "__len__")
        self._steps_given = steps
        self.steps = steps if steps is not None else (len(source) if self._indexed else None)
        self._convert = convert
        self._shuffle = shuffle
        self._seed = seed
        self._running: Iterator[Any] | None = None
        self._first: Any = None

    def first(self) -> Any:
        """Returns the first batch, which is kept for the first epoch."""
        if self._first is None:
            if self._indexed:
                first = self._source[0]
            else:
                self._running = iter(self._source)
                first = next(self._running, None)
                if first is None:
                    raise ValueError("The data is empty: it gave no batch.")
            self._first = self._convert(first)
        return self._first

    def example(self) -> Any:
        """Returns the specs of the first batch."""
        return jax.tree_util.tree_map(
            lambda x: jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype)),
            self.first(),
        )

    resumes = "epoch"

    def state(self) -> None:
        return None

    def restore(self, state: Any, epoch: int, start: int) -> None:
        pass

    def describe(self) -> dict[str, Any]:
        return {"kind": type(self._source).__name__}

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch."""
        if self._indexed:
            yield from self._by_index(epoch)
            return
        count = 0
        if self._running is None:
            self._running, self._first = iter(self._source), None
        elif self._first is not None:
            first, self._first = self._first, None
            count = 1
            yield first
        while self._steps_given is None or count < self._steps_given:
            batch = next(self._running, None)
            if batch is None:
                if self._steps_given is not None:
                    raise ValueError(
                        f"The data ended after {count} batches of an epoch of {self.steps}.\n"
                        "Let it go on without end, or give a smaller `steps_per_epoch`."
                    )
                break
            count += 1
            yield self._convert(batch)
        if self._steps_given is None:
            self.steps = count
            self._running = None
            if count == 0:
                raise ValueError(
                    "The data gave no batch in this epoch: a generator can be read only once.\n"
                    "Pass something that can be iterated over again, or `steps_per_epoch`."
                )

    def _by_index(self, epoch: int) -> Iterator[Any]:
        order = np.arange(len(self._source))
        if self._shuffle:
            order = np.random.default_rng((self._seed, epoch)).permutation(order)
        steps = self._steps_given or len(order)
        positions = [int(order[k % len(order)]) for k in range(steps)]
        if isinstance(self._source, PyDataset):
            self._source.on_epoch_begin()
            yield from map(self._convert, self._source.in_epoch(epoch).batches(positions))
        else:
            yield from (self._convert(self._source[position]) for position in positions)
        end = getattr(self._source, "on_epoch_end", None)
        if end is not None:
            end()
