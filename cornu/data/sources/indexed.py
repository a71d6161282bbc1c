"""Indexed: batches by number, of a PyDataset or any object with `__getitem__` and `__len__`."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np

from cornu.data.foreign_types import is_a
from cornu.data.global_random import seeded
from cornu.data.pydataset import PyDataset, parallel
from cornu.data.sources.stream import Stream
from cornu.data.sources.workers import Task, Workers

__all__ = ["Indexed"]

_BEGIN, _END, _ITEM = range(3)  # for what the global random numbers are seeded


class Indexed(Stream):
    """Batches that have numbers; their order is a function of (seed, epoch).

    Args:
        source: gives a batch for a number; told of the begin and end of epochs if it wants to be.
        steps, read, prepare, restart: as of a Stream.
        shuffle: whether each epoch has an order of its own.
        seed: of the orders, and of the random numbers in hooks and in worker processes.
    """

    resumes = "batch"

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Callable[[Any], Any] = lambda batch: batch,
        restart: bool = False,
        shuffle: bool = False,
        seed: int = 0,
    ) -> None:
        super().__init__(source, steps, read, prepare, restart)
        self._shuffle = shuffle
        self._seed = seed
        self._workers: Workers | None = None
        self._began: int | None = None
        self._epochs_ended = 0  # how many epochs have ended
        self._known_order: tuple[tuple[int, int], np.ndarray] | None = None
        count = self._length()
        if steps is None:
            if count is None:
                raise ValueError(
                    f"{type(source).__name__} has no end (num_batches is None): say how many "
                    "batches make an epoch, by `steps_per_epoch` (`steps` in evaluate and predict)."
                )
            self.steps = count
        elif count is not None and steps > count and not restart:
            raise ValueError(
                f"{type(source).__name__} has {count} batches, and steps={steps}.\n"
                "Give fewer steps, or none for all batches."
            )

    def _length(self) -> int | None:
        """Returns the number of batches now, or None if there is no end."""
        by_property = hasattr(type(self._source), "num_batches")
        count = self._source.num_batches if by_property else len(self._source)
        if count is not None and count < 1:
            raise ValueError(
                f"The data is empty: {type(self._source).__name__} has {count} batches."
            )
        return None if count is None else int(count)

    def first(self) -> Any:
        """Returns the first batch; it is made again when its turn comes."""
        if self._first is None:
            self._first = self._checked(self._source[0], 0)
        return self._first

    def batches(self, epoch: int = 0, start: int = 0) -> Iterator[Any]:
        """Yields the batches of an epoch, from number `start` on."""
        if self._began is None:
            self._began = epoch
        self._hook("on_epoch_begin", epoch, _BEGIN)
        count = self._length()
        if self._given is None:
            self.steps = count
        assert self.steps is not None  # data without an end needs steps; see the constructor
        numbers = [self._index(epoch, step, count) for step in range(start, self.steps)]
        raw = self._made(epoch, numbers)
        done = start
        try:
            for batch in raw:
                done += 1
                yield self._checked(batch, done - 1)
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
        """Returns the index in the data of the batch of a step."""
        began = self._began or 0
        if count is None:
            return (epoch - began) * (self.steps or 0) + step
        if self._given is None or self._given == count:
            turn, index = epoch, step
        else:
            turns, index = divmod((epoch - began) * self._given + step, count)
            turn = began + turns
        return int(self._order(turn, count)[index]) if self._shuffle else index

    def _order(self, turn: int, count: int) -> np.ndarray:
        """Returns the order of the batches in a pass through the data; kept until the next."""
        if self._known_order is None or self._known_order[0] != (turn, count):
            order = np.random.default_rng((self._seed, turn)).permutation(count)
            self._known_order = ((turn, count), order)
        return self._known_order[1]

    def _made(self, epoch: int, numbers: Iterable[int]) -> Generator[Any, None, None]:
        """Yields the batches of some numbers as the source gives them."""
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
        yield from self._workers.items(source, tasks, max(1, source.max_queue_size))

    def _hook(self, name: str, epoch: int, what: int) -> None:
        hook = getattr(self._source, name, None)
        if hook is not None:
            with seeded(self._seed, epoch, what):
                hook()

    # ------------------------------------------------------------------------------------ resuming

    def state(self) -> dict[str, Any] | None:
        """Returns in which epoch reading began, and how many have ended."""
        return None if self._began is None else {"began": self._began, "ended": self._epochs_ended}

    def restore(self, state: Any, epoch: int, start: int) -> None:
        """Does what the hooks did in the epochs before."""
        if state is None:
            return
        self._began = int(state["began"])
        self._epochs_ended = epoch - self._began if epoch > self._began else int(state["ended"])
        for i in range(self._epochs_ended):
            past = min(self._began + i, epoch)
            self._hook("on_epoch_begin", past, _BEGIN)
            self._hook("on_epoch_end", past, _END)

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal."""
        return {**super().describe(), "count": self._length(), "shuffle": bool(self._shuffle)}

    def close(self) -> None:
        """Ends the workers."""
        if self._workers is not None:
            self._workers.close()
        self._workers = None
