"""PyDataset: batches by number, computed by the user's Python code, several at a time if wanted."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

__all__ = ["PyDataset"]


class PyDataset:
    """The base of data that is made batch by batch.

    A subclass defines `__getitem__(index)`, which returns a batch `(x, y)` or
    `(x, y, sample_weight)`, and `__len__()`, the number of batches.

    Args:
        workers: how many batches are made at a time.
        use_multiprocessing: whether in processes (the dataset must be picklable, and each has
            its own copy) rather than threads.
        max_queue_size: how many batches are made ahead.

    Example:

    >>> class Squares(PyDataset):
    ...     def __len__(self):
    ...         return 3
    ...
    ...     def __getitem__(self, index):
    ...         return [[index]], [[index**2]]
    >>> list(Squares(workers=2).batches([2, 0]))
    [([[2]], [[4]]), ([[0]], [[0]])]
    """

    workers: int = 1
    use_multiprocessing: bool = False
    max_queue_size: int = 10

    def __init__(
        self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10
    ) -> None:
        self.workers = workers
        self.use_multiprocessing = use_multiprocessing
        self.max_queue_size = max_queue_size

    def __getitem__(self, index: int) -> Any:
        """Returns a batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__getitem__`.")

    def __len__(self) -> int:
        """Returns the number of batches."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__len__`.")

    @property
    def num_batches(self) -> int:
        """The number of batches."""
        return len(self)

    def in_epoch(self, epoch: int) -> PyDataset:
        """Returns the data as it is in an epoch of `fit`; by default it is always the same."""
        return self

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch."""

    def on_epoch_end(self) -> None:
        """Called after the last batch of an epoch."""

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        """Yields the batches of some numbers, in their order, making others meanwhile."""
        if self.workers <= 1 and not self.use_multiprocessing:
            yield from (self[index] for index in order)
            return
        with self._executor() as executor:
            ahead: deque[Future[Any]] = deque()
            try:
                for index in order:
                    ahead.append(executor.submit(_item, self, index))
                    if len(ahead) > self.max_queue_size:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                for future in ahead:
                    future.cancel()

    def _executor(self) -> Executor:
        if not self.use_multiprocessing:
            return ThreadPoolExecutor(self.workers)
        # A forked child would inherit JAX's threads as locks that nobody opens.
        return ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"))


def _item(dataset: PyDataset, index: int) -> Any:
    return dataset[index]
