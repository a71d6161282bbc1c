"""Dataset: batches by number, to be mapped, cached, shuffled and cut; and Rows, read by need."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import jax
import numpy as np

from cornu import seeds
from cornu.data.pydataset import PyDataset

__all__ = ["Dataset", "Rows"]

_WORKERS = 8  # more read no faster from one disk


class Dataset(PyDataset):
    """Batches by number, made ahead in threads while they are read in order.

    A subclass defines `__getitem__` and `__len__`, like those of PyDataset. What the methods return
    is a Dataset again; they compute nothing.

    Attributes:
        class_names: the names of the classes, in the order of their numbers, or None.
        file_paths: the files of the rows, in order, or None.

    Example:

    >>> x = np.arange(6)
    >>> data = Rows(6, lambda rows: (x[rows], x[rows] ** 2), batch_size=2)
    >>> for a, b in data.skip(1).map(lambda a, b: (a, a + b)):
    ...     print(a, b)
    [2 3] [ 6 12]
    [4 5] [20 30]

    Differences: Keras returns datasets of TensorFlow; of their methods these are here: `map`,
    `take`, `skip`, `shuffle`, `cache`, `batch` and `prefetch`. Batches are NumPy arrays. What is
    read has the same order each time; only `fit` has a new one for each epoch, which depends on
    the seed and the epoch's number alone. So `predict(data)` and the labels that a loop collects
    belong together, and a training that is continued reads what it would have read.
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    def __init__(self, workers: int = 1) -> None:
        super().__init__(workers, max_queue_size=workers)

    def __iter__(self) -> Iterator[Any]:
        return self.batches(range(len(self)))

    def map(self, function: Callable[..., Any], num_parallel_calls: int | None = None) -> Dataset:
        """Returns the dataset of `function(*batch)`.

        Args:
            function: is called with the parts of a batch: `function(x, y)`.
            num_parallel_calls: how many calls run at a time, in threads; -1 for as many as are
                good. By default they follow each other, as functions that draw random numbers
                need it.
        """
        return _Mapped(self, function, num_parallel_calls)

    def take(self, count: int) -> Dataset:
        """Returns the first batches, `count` of them or all for -1."""
        return _Chosen(self, range(len(self))[: None if count < 0 else count])

    def skip(self, count: int) -> Dataset:
        """Returns all but the first `count` batches; none are left for -1."""
        return _Chosen(self, range(len(self))[len(self) if count < 0 else count :])

    def shuffle(
        self,
        buffer_size: int | None = None,
        seed: int | None = None,
        reshuffle_each_iteration: bool = True,
    ) -> Dataset:
        """Returns the batches in random order; with `batch_size=None` these are the rows.

        Args:
            buffer_size: kept for the signature: all batches are shuffled, as they have numbers.
            seed: of the order.
            reshuffle_each_iteration: whether `fit` has another order in each epoch.
        """
        return _Shuffled(
            self, seeds.next_seed() if seed is None else seed, reshuffle_each_iteration
        )

    def cache(self) -> Dataset:
        """Returns the dataset that keeps each batch in memory once it was made."""
        return _Cached(self)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Returns the dataset in which so many items are one batch, along a new first axis."""
        return _Grouped(self, batch_size, drop_remainder)

    def prefetch(self, buffer_size: int = -1) -> Dataset:
        """Returns the dataset of which so many batches are made ahead, in another thread.

        Args:
            buffer_size: how many, -1 for as many as are good.
        """
        return _Ahead(self, _threads(buffer_size))


class Rows(Dataset):
    """Rows that are read when they are needed, some at a time.

    Args:
        count: how many rows there are.
        read: returns the batch of some rows, an array of numbers.
        batch_size: rows of a batch; with None each row is an item without batch axis.
        shuffle: whether each epoch of `fit` has an order of its own. The first is 0, 1, 2, ...
        seed: of these orders.
        class_names: the names of the classes.
        file_paths: the files of the rows.
        workers: how many batches are read at a time, -1 for as many as are good.
    """

    def __init__(
        self,
        count: int,
        read: Callable[[np.ndarray], Any],
        batch_size: int | None,
        shuffle: bool = False,
        seed: int = 0,
        class_names: list[str] | None = None,
        file_paths: list[str] | None = None,
        workers: int = 1,
    ) -> None:
        super().__init__(_threads(workers))
        self.class_names = class_names
        self.file_paths = file_paths
        self.batch_size = batch_size
        self._read = read
        self._order = np.arange(count)
        self._shuffle = shuffle
        self._seed = seed

    def __len__(self) -> int:
        return -(-len(self._order) // (self.batch_size or 1))

    def __getitem__(self, index: int) -> Any:
        size = self.batch_size or 1
        index = _within(index, len(self))
        batch = self._read(self._order[index * size : (index + 1) * size])
        return batch if self.batch_size else jax.tree_util.tree_map(lambda part: part[0], batch)

    def in_epoch(self, epoch: int) -> Rows:
        """Returns the rows in the order that they have in an epoch."""
        if not self._shuffle or epoch == 0:
            return self
        rows = Rows(
            len(self._order),
            self._read,
            self.batch_size,
            class_names=self.class_names,
            workers=self.workers,
        )
        rows._order = _permutation(len(self._order), self._seed, epoch)
        return rows


class _Derived(Dataset):
    """The base of datasets that are made from another one."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(1)
        self.source = source
        self.class_names = source.class_names

    def __len__(self) -> int:
        return len(self.source)


class _Mapped(_Derived):
    def __init__(self, source: Dataset, function: Callable[..., Any], parallel: int | None) -> None:
        super().__init__(source)
        self.function = function
        self.parallel = parallel
        if parallel is not None:
            self.workers = self.max_queue_size = _threads(parallel)

    def __getitem__(self, index: int) -> Any:
        return self._apply(self.source[index])

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        if self.parallel is not None:
            return super().batches(order)
        return map(self._apply, self.source.batches(order))

    def in_epoch(self, epoch: int) -> Dataset:
        return _Mapped(self.source.in_epoch(epoch), self.function, self.parallel)

    def _apply(self, batch: Any) -> Any:
        return self.function(*batch) if isinstance(batch, tuple) else self.function(batch)


class _Chosen(_Derived):
    """Some batches of a dataset, which stay the same in all epochs."""

    def __init__(self, source: Dataset, positions: Any) -> None:
        super().__init__(source)
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: int) -> Any:
        return self.source[int(self.positions[_within(index, len(self))])]

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        if self.workers > 1:
            return super().batches(order)
        return self.source.batches([int(self.positions[index]) for index in order])


class _Shuffled(_Chosen):
    def __init__(self, source: Dataset, seed: int, again: bool) -> None:
        super().__init__(source, _permutation(len(source), seed, 0))
        self.seed = seed
        self.again = again

    def in_epoch(self, epoch: int) -> Dataset:
        order = _permutation(len(self), self.seed, epoch if self.again else 0)
        return _Chosen(self.source.in_epoch(epoch), order)


class _Cached(_Derived):
    """What was made once stays; so the order of what it is made from is that of the first epoch."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        self.kept: dict[int, Any] = {}

    def __getitem__(self, index: int) -> Any:
        index = _within(index, len(self))
        if index not in self.kept:
            self.kept[index] = self.source[index]
        return self.kept[index]

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        order = list(order)
        missing = list(dict.fromkeys(index for index in order if index not in self.kept))
        made, waiting = self.source.batches(missing), set(missing)
        for index in order:
            if index in waiting:
                waiting.discard(index)
                self.kept[index] = next(made)
            yield self.kept[index]


class _Grouped(_Derived):
    def __init__(self, source: Dataset, batch_size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        if batch_size < 1:
            raise ValueError(f"batch_size must be an integer from 1 on. Received: {batch_size!r}")
        self.batch_size = batch_size
        self.drop = drop_remainder

    def __len__(self) -> int:
        whole, rest = divmod(len(self.source), self.batch_size)
        return whole + (rest > 0 and not self.drop)

    def __getitem__(self, index: int) -> Any:
        return _stacked([self.source[i] for i in self._members(_within(index, len(self)))])

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        groups = [self._members(index) for index in order]
        items = self.source.batches([i for group in groups for i in group])
        for group in groups:
            yield _stacked(list(islice(items, len(group))))

    def in_epoch(self, epoch: int) -> Dataset:
        return _Grouped(self.source.in_epoch(epoch), self.batch_size, self.drop)

    def _members(self, index: int) -> range:
        return range(len(self.source))[index * self.batch_size : (index + 1) * self.batch_size]


class _Ahead(_Derived):
    """One thread makes the batches, one after the other, so that random numbers stay in order."""

    def __init__(self, source: Dataset, count: int) -> None:
        super().__init__(source)
        self.count = count

    def __getitem__(self, index: int) -> Any:
        return self.source[index]

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        made, none = self.source.batches(order), object()
        with ThreadPoolExecutor(1) as executor:
            ahead = deque(executor.submit(next, made, none) for _ in range(self.count))
            try:
                while (batch := ahead.popleft().result()) is not none:
                    ahead.append(executor.submit(next, made, none))
                    yield batch
            finally:
                for future in ahead:
                    future.cancel()

    def in_epoch(self, epoch: int) -> Dataset:
        return _Ahead(self.source.in_epoch(epoch), self.count)


def _threads(wanted: int) -> int:
    return wanted if wanted > 0 else min(_WORKERS, os.cpu_count() or 1)


def _within(index: int, count: int) -> int:
    if not -count <= index < count:
        raise IndexError(f"There is no batch {index}: there are {count}.")
    return index % count


def _permutation(count: int, seed: int, epoch: int) -> np.ndarray:
    bits = np.random.Philox(key=seeds.mix_bits(seed, epoch))
    return np.random.Generator(bits).permutation(count)


def _stacked(items: list[Any]) -> Any:
    def stack(*parts: Any) -> Any:
        if len({np.shape(part) for part in parts}) > 1:
            shapes = ", ".join(str(shape) for shape in sorted({np.shape(part) for part in parts}))
            raise ValueError(f"batch: items of different shapes are no batch: {shapes}.")
        return np.array(parts, object) if isinstance(parts[0], str) else np.stack(parts)

    return jax.tree_util.tree_map(stack, *items)
