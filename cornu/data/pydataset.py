"""PyDataset: batches by number, computed by the user's Python code, several at a time if wanted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cornu.data.sources.workers import Task, Workers

__all__ = ["PyDataset", "parallel"]


class PyDataset:
    """The base of data that is made batch by batch.

    A subclass defines `__getitem__(index)`, which returns a batch `(x, y)` or
    `(x, y, sample_weight)`, and `__len__()`, the number of batches.

    Args:
        workers: how many batches are made at a time.
        use_multiprocessing: whether in processes (the dataset must be picklable, and each has
            its own copy) rather than threads. A program that uses them begins under
            `if __name__ == "__main__":`, since each process imports it again.
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
    def num_batches(self) -> int | None:
        """The number of batches; None if there is no end to them."""
        return len(self)

    def in_epoch(self, epoch: int) -> PyDataset:
        """Returns the data as it is in an epoch of `fit`; by default it is always the same."""
        return self

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch.

        In `fit`, the global random numbers of NumPy and Python are then a function of the seed
        and the epoch, here and in `on_epoch_end`.
        """

    def on_epoch_end(self) -> None:
        """Called after the last batch of an epoch."""

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        """Yields the batches of some numbers, in their order, making others meanwhile."""
        if not parallel(self):
            yield from (self[index] for index in order)
            return
        workers = Workers(max(1, self.workers), self.use_multiprocessing)
        try:
            tasks = (Task(index) for index in order)
            yield from workers.items(self, tasks, max(1, self.max_queue_size))
        finally:
            workers.close()


def parallel(dataset: Any) -> bool:
    """Whether workers make the batches of a dataset."""
    return bool(dataset.workers > 1) or (dataset.workers > 0 and dataset.use_multiprocessing)
