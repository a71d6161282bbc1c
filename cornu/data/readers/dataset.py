"""Dataset: indexed batches with `map`, `shuffle`, `cache` and others; and RowDataset."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

import jax
import numpy as np

from cornu import seeds
from cornu.data.pydataset import PyDataset
from cornu.data.readers.threads import count_threads
from cornu.errors import is_positive_integer, quantity
from cornu.types import PyTree

__all__ = ["Dataset", "RowDataset"]


class Dataset(PyDataset):
    """Indexed batches, prefetched by threads during iteration.

    A subclass defines `__getitem__` and `__len__`, as for PyDataset. The methods return Datasets
    and are lazy.

    Attributes:
        class_names: the names of the classes, in the order of their indices, or None.
        file_paths: the paths of the files, in order, or None.

    Example:

    >>> x = np.arange(6)
    >>> data = RowDataset(6, lambda rows: (x[rows], x[rows] ** 2), batch_size=2)
    >>> for a, b in data.skip(1).map(lambda a, b: (a, a + b)):
    ...     print(a, b)
    [2 3] [ 6 12]
    [4 5] [20 30]

    Differences: Keras returns datasets of TensorFlow, of which `map`, `take`, `skip`, `shuffle`,
    `cache`, `batch` and `prefetch` are supported. Batches are NumPy arrays; those of a loop over
    the data have the method `numpy`. Iteration always has the same order; only `fit` uses a new
    order in each epoch, which depends only on the seed and the epoch. So the results of
    `predict(data)` match labels that a loop over the data collects, and a resumed training reads
    the same batches as an uninterrupted one.
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    def __init__(self, workers: int = 1) -> None:
        super().__init__(workers, max_queue_size=workers)

    def __iter__(self) -> Iterator[Any]:
        return (
            jax.tree_util.tree_map(_with_numpy, batch) for batch in self.batches(range(len(self)))
        )

    def __repr__(self) -> str:
        classes = f", {quantity(len(self.class_names), 'class')}" if self.class_names else ""
        return f"<Dataset: {quantity(len(self), 'batch')}{classes}>"

    def in_epoch(self, epoch: int) -> Dataset:
        """Returns the dataset in the order of an epoch of `fit`."""
        return self

    def map(self, function: Callable[..., Any], num_parallel_calls: int | None = None) -> Dataset:
        """Applies a function to each batch.

        Args:
            function: a function of the parts of a batch: `function(x, y)`.
            num_parallel_calls: the number of parallel calls, in threads; -1 to choose it
                automatically. By default, calls are sequential and in order, which functions
                with random numbers need to be reproducible.
        """
        return _Mapped(self, function, num_parallel_calls)

    def take(self, count: int) -> Dataset:
        """Returns the first `count` batches; -1 returns all."""
        return _Subset(self, range(len(self))[: None if count < 0 else count])

    def skip(self, count: int) -> Dataset:
        """Skips the first `count` batches; -1 skips all."""
        return _Subset(self, range(len(self))[len(self) if count < 0 else count :])

    def shuffle(
        self,
        buffer_size: int | None = None,
        seed: int | None = None,
        reshuffle_each_iteration: bool = True,
    ) -> Dataset:
        """Shuffles the batches; with `batch_size=None`, these are single rows.

        Args:
            buffer_size: ignored; all batches are shuffled.
            seed: the seed of the order.
            reshuffle_each_iteration: whether `fit` uses a new order in each epoch.
        """
        return _Shuffled(
            self, seeds.next_seed() if seed is None else seed, reshuffle_each_iteration
        )

    def cache(self) -> Dataset:
        """Keeps each batch in memory once it was read."""
        return _Cached(self)

    def batch(self, batch_size: int, drop_remainder: bool = False) -> Dataset:
        """Stacks `batch_size` consecutive elements along a new first axis."""
        return _Batched(self, batch_size, drop_remainder)

    def prefetch(self, buffer_size: int = -1) -> Dataset:
        """Reads batches ahead in another thread.

        Args:
            buffer_size: the number of batches; -1 to choose it automatically.
        """
        return _Prefetched(self, count_threads(buffer_size))


class BatchArray(np.ndarray):
    """A NumPy array with the method `numpy`, as tensors of TensorFlow have it.

    Example:

    >>> np.zeros(2).view(BatchArray).numpy()
    array([0., 0.])
    """

    def numpy(self) -> np.ndarray:
        """Returns the array as a plain NumPy array, which shares its memory."""
        return self.view(np.ndarray)


def _with_numpy(part: Any) -> Any:
    return part.view(BatchArray) if isinstance(part, np.ndarray) else part


class RowDataset(Dataset):
    """Rows that are read when a batch is requested.

    Args:
        count: the number of rows.
        read: a function that returns the batch for an array of row indices.
        batch_size: the batch size; with None, each element is one row without batch axis.
        shuffle: whether `fit` uses a new order in each epoch. The first order is 0, 1, 2, ...
        seed: the seed of these orders.
        class_names: the names of the classes.
        file_paths: the paths of the files.
        workers: the number of batches that are read in parallel; -1 to choose it automatically.
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
        super().__init__(count_threads(workers))
        self.class_names = class_names
        self.file_paths = file_paths
        self.batch_size = batch_size
        self._read = read
        self._order = np.arange(count)
        self._shuffle = shuffle
        self._seed = seed

    def __len__(self) -> int:
        return -(-len(self._order) // (self.batch_size or 1))

    def __repr__(self) -> str:
        classes = f", {quantity(len(self.class_names), 'class')}" if self.class_names else ""
        rows = quantity(len(self._order), "row")
        if self.batch_size is None:
            return f"<Dataset: {rows}{classes}>"
        return f"<Dataset: {rows} in {quantity(len(self), 'batch')} of {self.batch_size}{classes}>"

    def __getitem__(self, index: int) -> Any:
        size = self.batch_size or 1
        index = _check_index(index, len(self))
        batch = self._read(self._order[index * size : (index + 1) * size])
        return batch if self.batch_size else jax.tree_util.tree_map(lambda part: part[0], batch)

    def in_epoch(self, epoch: int) -> RowDataset:
        """Returns the rows in the order of an epoch."""
        # The rows were shuffled when they were listed, which gives the order of epoch 0.
        if not self._shuffle or epoch == 0:
            return self
        rows = RowDataset(
            len(self._order),
            self._read,
            self.batch_size,
            class_names=self.class_names,
            workers=self.workers,
        )
        rows._order = _permute(len(self._order), self._seed, epoch)
        return rows


class _Derived(Dataset):
    """The base class of datasets that are derived from another dataset."""

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
            self.workers = self.max_queue_size = count_threads(parallel)

    def __getitem__(self, index: int) -> Any:
        return self._apply(self.source[index])

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        if self.parallel is not None:
            return super().batches(order)
        return map(self._apply, self.source.batches(order))

    def in_epoch(self, epoch: int) -> Dataset:
        return _Mapped(self.source.in_epoch(epoch), self.function, self.parallel)

    def _apply(self, batch: PyTree) -> Any:
        return self.function(*batch) if isinstance(batch, tuple) else self.function(batch)


class _Subset(_Derived):
    """Selected batches of a dataset, the same in all epochs."""

    def __init__(self, source: Dataset, positions: Sequence[int] | np.ndarray) -> None:
        super().__init__(source)
        self.positions = positions

    def __len__(self) -> int:
        return len(self.positions)

    def __getitem__(self, index: int) -> Any:
        return self.source[int(self.positions[_check_index(index, len(self))])]

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        if self.workers > 1:
            return super().batches(order)
        return self.source.batches([int(self.positions[index]) for index in order])


class _Shuffled(_Subset):
    def __init__(self, source: Dataset, seed: int, again: bool) -> None:
        super().__init__(source, _permute(len(source), seed, 0))
        self.seed = seed
        self.again = again

    def in_epoch(self, epoch: int) -> Dataset:
        order = _permute(len(self), self.seed, epoch if self.again else 0)
        return _Subset(self.source.in_epoch(epoch), order)


class _Cached(_Derived):
    """Batches in memory. They are those of the first epoch, also if the source is shuffled."""

    def __init__(self, source: Dataset) -> None:
        super().__init__(source)
        self.kept: dict[int, Any] = {}

    def __getitem__(self, index: int) -> Any:
        index = _check_index(index, len(self))
        if index not in self.kept:
            self.kept[index] = self.source[index]
        return self.kept[index]

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        order = list(order)
        missing = list(dict.fromkeys(index for index in order if index not in self.kept))
        batches, waiting = self.source.batches(missing), set(missing)
        for index in order:
            if index in waiting:
                waiting.discard(index)
                self.kept[index] = next(batches)
            yield self.kept[index]


class _Batched(_Derived):
    def __init__(self, source: Dataset, batch_size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        if not is_positive_integer(batch_size):
            raise ValueError(
                f"batch: batch_size must be a positive integer. Received: {batch_size!r}"
            )
        self.batch_size = batch_size
        self.drop = drop_remainder

    def __len__(self) -> int:
        whole, rest = divmod(len(self.source), self.batch_size)
        return whole + (rest > 0 and not self.drop)

    def __getitem__(self, index: int) -> Any:
        return _stack([self.source[i] for i in self._members(_check_index(index, len(self)))])

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        groups = [self._members(index) for index in order]
        items = self.source.batches([i for group in groups for i in group])
        for group in groups:
            yield _stack(list(islice(items, len(group))))

    def in_epoch(self, epoch: int) -> Dataset:
        return _Batched(self.source.in_epoch(epoch), self.batch_size, self.drop)

    def _members(self, index: int) -> range:
        return range(len(self.source))[index * self.batch_size : (index + 1) * self.batch_size]


class _Prefetched(_Derived):
    """Batches read by one thread, so that functions with random numbers are called in order."""

    def __init__(self, source: Dataset, count: int) -> None:
        super().__init__(source)
        self.count = count

    def __getitem__(self, index: int) -> Any:
        return self.source[index]

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        batches, end = self.source.batches(order), object()
        with ThreadPoolExecutor(1) as executor:
            ahead = deque(executor.submit(next, batches, end) for _ in range(self.count))
            try:
                while (batch := ahead.popleft().result()) is not end:
                    ahead.append(executor.submit(next, batches, end))
                    yield batch
            finally:
                for future in ahead:
                    future.cancel()

    def in_epoch(self, epoch: int) -> Dataset:
        return _Prefetched(self.source.in_epoch(epoch), self.count)


def _check_index(index: int, count: int) -> int:
    if not -count <= index < count:
        raise IndexError(
            f"Batch {index} is out of range: the dataset has {quantity(count, 'batch')}."
        )
    return index % count


def _permute(count: int, seed: int, epoch: int) -> np.ndarray:
    # A generator for each epoch, so that any epoch can be read without those before it.
    bits = np.random.Philox(key=seeds.mix_bits(seed, epoch))
    return np.random.Generator(bits).permutation(count)


def _stack(items: list[Any]) -> Any:
    def stack(*parts: Any) -> Any:
        if len({np.shape(part) for part in parts}) > 1:
            shapes = ", ".join(str(shape) for shape in sorted({np.shape(part) for part in parts}))
            raise ValueError(f"batch: all elements must have the same shape. Received: {shapes}.")
        return np.array(parts, object) if isinstance(parts[0], str) else np.stack(parts)

    return jax.tree_util.tree_map(stack, *items)
