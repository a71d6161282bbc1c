"""Indexed: batches by index, from a PyDataset or any object with `__getitem__` and `__len__`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from cornu.data.global_random import seeded
from cornu.data.pydataset import PyDataset, parallel
from cornu.data.sources.stream import Prepare, Stream, keep_structure
from cornu.data.sources.workers import Task, Workers
from cornu.errors import quantity
from cornu.foreign import is_a

__all__ = ["Indexed"]

_BEGIN, _END, _ITEM = range(3)  # distinguish the seeds of the global random generators


class Indexed(Stream):
    """Batches with indices; their order is a function of (seed, epoch).

    Args:
        source: the dataset; its methods `on_epoch_begin` and `on_epoch_end` are called if it has
            them.
        steps, read, prepare, restart: as for a Stream.
        shuffle: whether each epoch has a different order.
        seed: the seed of the orders, and of global random numbers in hooks and worker processes.
        reads_in_threads: whether threads that compute batches also convert them, because that takes
            long, as for strings.
    """

    resumes = "batch"

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Prepare = keep_structure,
        restart: bool = False,
        shuffle: bool = False,
        seed: int = 0,
        reads_in_threads: bool = False,
    ) -> None:
        super().__init__(
            source, steps, _unless_read(read) if reads_in_threads else read, prepare, restart
        )
        self._reads_in_threads = reads_in_threads
        self._shuffle = shuffle
        self._seed = seed
        self._workers: Workers | None = None
        self._first_epoch: int | None = None
        self._epochs_ended = 0
        self._cached_order: tuple[tuple[int, int], np.ndarray] | None = None
        count = self._length()
        if steps is None:
            if count is None:
                raise ValueError(
                    f"{type(source).__name__} is infinite (num_batches is None): pass the number "
                    "of batches per epoch, `steps_per_epoch` (`steps` in evaluate and predict)."
                )
            self.steps = count
        elif count is not None and steps > count and not restart:
            raise ValueError(
                f"{type(source).__name__} has {quantity(count, 'batch')}, but steps={steps}.\n"
                "Pass fewer steps, or None for all batches."
            )

    def _length(self) -> int | None:
        """Returns the current number of batches, or None if it is infinite."""
        by_property = hasattr(type(self._source), "num_batches")
        count = self._source.num_batches if by_property else len(self._source)
        if count is not None and count < 1:
            raise ValueError(
                f"The data is empty: {type(self._source).__name__} has {quantity(count, 'batch')}."
            )
        return None if count is None else int(count)

    def first(self) -> Any:
        """Returns the batch with index 0; it is computed again in the first epoch."""
        if self._first is None:
            self._first = self._convert(self._source[0], 0)
        return self._first

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, beginning with number `start`."""
        if self._first_epoch is None:
            self._first_epoch = epoch
        self._hook("on_epoch_begin", epoch, _BEGIN)
        count = self._length()
        if self._given is None:
            self.steps = count
        assert self.steps is not None  # the constructor requires steps for infinite data
        numbers = [self._index(epoch, step, count) for step in range(start, self.steps)]
        raw = self._make_batches(epoch, numbers)
        done = start
        try:
            for batch in raw:
                done += 1
                yield self._convert(batch, done - 1)
            self.finish_checks()
        # Training stopped within the epoch, which ends nevertheless.
        except GeneratorExit:
            self._finish(epoch)
            raise
        finally:
            raw.close()
        self._finish(epoch)

    def _finish(self, epoch: int) -> None:
        self._epochs_ended += 1
        self._hook("on_epoch_end", epoch, _END)

    def _index(self, epoch: int, step: int, count: int | None) -> int:
        """Returns the index of the batch of a step."""
        began = self._first_epoch or 0
        if count is None:
            return (epoch - began) * (self.steps or 0) + step
        if self._given is None or self._given == count:
            pass_number, index = epoch, step
        else:
            passes, index = divmod((epoch - began) * self._given + step, count)
            pass_number = began + passes
        return int(self._order(pass_number, count)[index]) if self._shuffle else index

    def _order(self, pass_number: int, count: int) -> np.ndarray:
        """Returns the order of the batches in a pass through the data; the last one is cached."""
        if self._cached_order is None or self._cached_order[0] != (pass_number, count):
            # A generator for each pass, so that any epoch can be resumed without running those
            # before it.
            order = np.random.default_rng((self._seed, pass_number)).permutation(count)
            self._cached_order = ((pass_number, count), order)
        return self._cached_order[1]

    def _make_batches(self, epoch: int, numbers: Iterable[int]) -> Generator[Any, None, None]:
        """Yields the batches with some indices, without conversion."""
        source = self._source
        if isinstance(source, PyDataset):
            source = source.in_epoch(epoch)
            if type(source).batches is not PyDataset.batches:
                yield from source.batches(numbers)
                return
        elif not is_a(source, "keras", "PyDataset"):
            yield from (source[number] for number in numbers)
            return
        if not parallel(source):
            yield from (source[number] for number in numbers)
            return
        if self._workers is None or not self._workers.alive:
            self._workers = Workers(max(1, source.workers), source.use_multiprocessing)
        tasks = (Task(n, (self._seed, epoch, n, _ITEM)) for n in numbers)
        ahead = max(1, source.max_queue_size)
        if self._reads_in_threads and not source.use_multiprocessing:
            source = _Reading(source, self._read)
        yield from self._workers.items(source, tasks, ahead)

    def _hook(self, name: str, epoch: int, what: int) -> None:
        hook = getattr(self._source, name, None)
        if hook is not None:
            with seeded(self._seed, epoch, what):
                hook()

    # ------------------------------------------------------------------------------------ resuming

    def state(self) -> dict[str, Any] | None:
        """Returns the first epoch, and the number of epochs that have ended."""
        return (
            None
            if self._first_epoch is None
            else {"began": self._first_epoch, "ended": self._epochs_ended}
        )

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Calls the hooks of the preceding epochs again, which may change the dataset."""
        if state is None:
            return
        self._first_epoch = int(state["began"])
        self._epochs_ended = (
            epoch - self._first_epoch if epoch > self._first_epoch else int(state["ended"])
        )
        for i in range(self._epochs_ended):
            past = min(self._first_epoch + i, epoch)
            self._hook("on_epoch_begin", past, _BEGIN)
            self._hook("on_epoch_end", past, _END)

    def reseed(self, seed: int) -> None:
        """Sets the seed of the orders, before the first epoch."""
        self._seed, self._cached_order = seed, None

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches."""
        return {**super().describe(), "count": self._length(), "shuffle": bool(self._shuffle)}

    def close(self) -> None:
        """Stops the workers."""
        if self._workers is not None:
            self._workers.close()
        self._workers = None


class _Read(NamedTuple):
    """A batch that a thread has converted."""

    batch: Any


class _Reading:
    """A dataset whose batches are converted where they are computed."""

    def __init__(self, source: Any, read: Callable[[Any], Any]) -> None:
        self._source = source
        self._convert = read

    def __getitem__(self, index: int) -> _Read:
        return _Read(self._convert(self._source[index]))


def _unless_read(read: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Returns a function that converts batches, except those that a thread has converted."""
    return lambda raw: raw.batch if isinstance(raw, _Read) else read(raw)
