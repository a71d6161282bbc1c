"""Batcher: computes the rows of several requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from cornu.serving.errors import RequestError

__all__ = ["Arrays", "Batcher"]

Arrays = tuple[np.ndarray, ...]
Compute = Callable[[Arrays], Sequence[np.ndarray]]
Signature = tuple[tuple[str, tuple[int, ...]], ...]


class _Waiting(NamedTuple):
    """A request that has not been computed.

    Attributes:
        arrays: its inputs.
        rows: their number of rows.
        signature: the dtypes, and the shapes without the rows.
        result: receives the outputs.
    """

    arrays: Arrays
    rows: int
    signature: Signature
    result: asyncio.Future[list[np.ndarray]]


class Batcher:
    """Collects requests while the model computes, and computes those that fit together.

    Rows are padded to the next power of two, so that few shapes are compiled.

    Args:
        compute: the model: inputs to outputs, which runs in a thread of its own.
        rowwise: whether rows may be computed together and padded.
        max_rows: the largest number of rows of a batch.
        max_waiting: the largest number of requests that wait or are computed.
        max_shapes: the largest number of shapes that are compiled.
        delay: seconds for which the first request of a batch waits for others.
        observe: called with the number of rows of each batch.
    """

    def __init__(
        self,
        compute: Compute,
        *,
        rowwise: bool,
        max_rows: int,
        max_waiting: int,
        max_shapes: int,
        delay: float = 0.0,
        observe: Callable[[int], object] = lambda rows: None,
    ) -> None:
        self._compute = compute
        self._rowwise = rowwise
        self._max_rows = max_rows
        self._max_waiting = max_waiting
        self._max_shapes = max_shapes
        self._delay = delay
        self._observe = observe
        self._queue: asyncio.Queue[_Waiting | None] = asyncio.Queue()
        self._left: _Waiting | None = None  # taken from the queue, for the next batch
        self._shapes: set[tuple[Signature, int]] = set()
        self._thread = ThreadPoolExecutor(1, "model")
        self._task: asyncio.Task[None] | None = None
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """The number of requests that wait or are computed."""
        return self._waiting

    def start(self) -> None:
        """Starts the task that computes batches."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Computes what has been accepted, and ends."""
        if self._task is not None:
            await self._queue.put(None)
            await self._task
        self._thread.shutdown()

    async def infer(self, arrays: Arrays) -> list[np.ndarray]:
        """Returns the outputs for the inputs of a request.

        Raises:
            RequestError: there are too many requests, or the shapes of too many have been compiled.
        """
        if self._waiting >= self._max_waiting:
            raise RequestError(503, "The server has too many requests. Try again later.")
        rows = len(arrays[0])
        signature = tuple((array.dtype.str, array.shape[1:]) for array in arrays)
        self._admit(signature, self._padded(rows))
        result: asyncio.Future[list[np.ndarray]] = asyncio.get_running_loop().create_future()
        self._waiting += 1
        try:
            await self._queue.put(_Waiting(arrays, rows, signature, result))
            return await result
        finally:
            self._waiting -= 1

    def _admit(self, signature: Signature, rows: int) -> None:
        """Notes that a shape is compiled; refuses it if there are too many."""
        shape = (signature, rows)
        if shape not in self._shapes:
            if len(self._shapes) >= self._max_shapes:
                raise RequestError(
                    400,
                    f"Inputs of {self._max_shapes} shapes have been computed, and each further "
                    "one would be compiled. Pad the inputs to shapes that were sent before.",
                )
            self._shapes.add(shape)

    def _padded(self, rows: int) -> int:
        """Returns the number of rows with padding."""
        if not self._rowwise:
            return rows
        return min(1 << (rows - 1).bit_length(), self._max_rows)

    async def _run(self) -> None:
        while batch := await self._next_batch():
            self._observe(sum(item.rows for item in batch))
            if len(batch) > 1 and not await self._answer(batch):
                # One request had wrong values: the others are computed without it.
                for item in batch:
                    await self._answer([item])
            elif len(batch) == 1:
                await self._answer(batch)

    async def _next_batch(self) -> list[_Waiting]:
        """Returns requests that can be computed together; none when the server ends."""
        first = self._left or await self._queue.get()
        self._left = None
        if first is None:
            return []
        batch, rows = [first], first.rows
        if self._rowwise and self._delay and rows < self._max_rows:
            await asyncio.sleep(self._delay)
        while self._rowwise and not self._queue.empty():
            item = self._queue.get_nowait()
            if item is None:
                self._queue.put_nowait(None)
                break
            if item.signature != first.signature or rows + item.rows > self._max_rows:
                self._left = item
                break
            batch.append(item)
            rows += item.rows
        return batch

    async def _answer(self, batch: list[_Waiting]) -> bool:
        """Computes a batch; returns False if several requests are to be computed one by one."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._thread, self._compute_padded, batch)
        except Exception as error:
            if len(batch) > 1 and isinstance(error, (TypeError, ValueError)):
                return False
            for item in batch:
                if not item.result.done():
                    item.result.set_exception(error)
            return True
        begin = 0
        for item in batch:
            if not item.result.done():  # a client that left has cancelled it
                item.result.set_result([output[begin : begin + item.rows] for output in found])
            begin += item.rows
        return True

    def _compute_padded(self, batch: list[_Waiting]) -> list[np.ndarray]:
        columns = zip(*(item.arrays for item in batch), strict=True)
        rows = sum(item.rows for item in batch)
        missing = self._padded(rows) - rows
        padded = tuple(
            np.concatenate([*parts, np.repeat(parts[-1][-1:], missing, axis=0)])
            if len(parts) > 1 or missing
            else parts[0]
            for parts in columns
        )
        return [np.asarray(output)[:rows] for output in self._compute(padded)]
