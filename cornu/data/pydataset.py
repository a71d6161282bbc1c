"""PyDataset: batches computed by Python code, optionally in parallel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from cornu.data.sources.workers import Task, Workers
from cornu.types import DataLike

__all__ = ["PyDataset", "parallel"]


class PyDataset:
    """Base class of datasets that compute batches by index.

    A subclass defines `__getitem__(index)`, which returns a batch `(x, y)` or
    `(x, y, sample_weight)`, and `__len__()`, the number of batches.

    Args:
        workers: the number of batches that are computed in parallel.
        use_multiprocessing: whether to use processes rather than threads. The dataset must be
            picklable, and each process has a copy. The main module must be protected by
            `if __name__ == "__main__":`, because each process imports it.
        max_queue_size: the number of batches that are computed in advance.

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

    def __repr__(self) -> str:
        # Not the number of batches: the program's `__len__` may need what is not there yet.
        return f"{type(self).__name__}(workers={self.workers})"

    def __getitem__(self, index: int) -> Any:
        """Returns a batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__getitem__`.")

    def __len__(self) -> int:
        """Returns the number of batches."""
        raise NotImplementedError(f"{type(self).__name__} does not define `__len__`.")

    @property
    def num_batches(self) -> int | None:
        """The number of batches; None if it is infinite."""
        return len(self)

    def in_epoch(self, epoch: int) -> PyDataset:
        """Returns the dataset for an epoch of `fit`; by default the dataset itself.

        Args:
            epoch: the index of the epoch; epochs count from 0.
        """
        return self

    def on_epoch_begin(self) -> None:
        """Called before the first batch of an epoch.

        In `fit`, the global random generators of NumPy and Python are seeded by the seed and the
        epoch, here and in `on_epoch_end`.
        """

    def on_epoch_end(self) -> None:
        """Called after the last batch of an epoch."""

    def batches(self, order: Iterable[int]) -> Iterator[Any]:
        """Yields the batches with some indices, in order; workers compute others in advance.

        Args:
            order: the indices.
        """
        if not parallel(self):
            yield from (self[index] for index in order)
            return
        workers = Workers(max(1, self.workers), self.use_multiprocessing)
        try:
            tasks = (Task(index) for index in order)
            yield from workers.items(self, tasks, max(1, self.max_queue_size))
        finally:
            workers.close()


def parallel(dataset: DataLike) -> bool:
    """Whether workers compute the batches of a dataset."""
    return bool(dataset.workers > 1) or (dataset.workers > 0 and dataset.use_multiprocessing)
