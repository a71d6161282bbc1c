"""BatchSizes: memory and time of a training step, by batch size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cornu.errors import quantity
from cornu.inspect.tables.formatting import format_bytes, format_count, format_seconds
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import to_text

__all__ = ["BatchSize", "BatchSizes"]


@dataclass(frozen=True)
class BatchSize:
    """Memory and time of a training step for one batch size.

    Attributes:
        rows: the rows of a batch.
        memory: the device memory in bytes, including weights and data; None if compilation ran
            out of memory.
        fits: whether the memory is available.
        seconds: the time of a step; None if it was not measured.
    """

    rows: int
    memory: int | None
    fits: bool
    seconds: float | None = None

    @property
    def rows_per_second(self) -> float | None:
        """The throughput of training; None if it was not measured."""
        return None if self.seconds is None else self.rows / self.seconds


class BatchSizes(Sequence[BatchSize]):
    """The result of `Model.find_batch_size`: a sequence of `BatchSize`, in ascending order.

    Args:
        name: the name of the model.
        sizes: the batch sizes that were measured.
        best: the recommended batch size.
        limit: the available memory in bytes.
    """

    def __init__(self, name: str, sizes: Sequence[BatchSize], best: int, limit: int) -> None:
        self.name = name
        self.best = best
        self.limit = limit
        self._sizes = sorted(sizes, key=lambda size: size.rows)

    def __getitem__(self, index: Any) -> Any:
        return self._sizes[index]

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[BatchSize]:
        return iter(self._sizes)

    def table(self) -> DisplayTable:
        """Returns the table of the results."""
        timed = any(size.seconds is not None for size in self)
        columns = [TableColumn(title, right=True) for title in ("Batch size", "Memory")]
        columns += [TableColumn(title, right=True) for title in ("Step", "Rows/s")] if timed else []
        lines = [TableRow(self._cells(size, timed)) for size in self]
        notes = [f"Available memory: {format_bytes(self.limit)}", f"Best batch size: {self.best}"]
        return DisplayTable(
            f"{self.name}: training steps", [*columns, TableColumn("")], lines, notes
        )

    def _cells(self, size: BatchSize, timed: bool) -> list[str]:
        mark = "best" if size.rows == self.best else "" if size.fits else "too large"
        cells = [format_count(size.rows), format_bytes(size.memory)]
        if timed:
            speed = size.rows_per_second
            throughput = "-" if speed is None else format_count(round(speed))
            cells += [format_seconds(size.seconds), throughput]
        return [*cells, mark]

    def __str__(self) -> str:
        return to_text(self.table())

    def _repr_html_(self) -> str:
        return to_html(self.table())

    def __repr__(self) -> str:
        return f"<BatchSizes: {quantity(len(self), 'size')}, best {self.best}>"
