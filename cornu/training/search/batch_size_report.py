"""BatchSizes: how much memory and time a training step needs, by batch size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cornu.inspect.tables.formatting import format_bytes, format_count, format_seconds
from cornu.inspect.tables.html import to_html
from cornu.inspect.tables.table import DisplayTable, TableColumn, TableRow
from cornu.inspect.tables.text import to_text

__all__ = ["BatchSize", "BatchSizes"]


@dataclass(frozen=True)
class BatchSize:
    """What a training step with batches of one size needs.

    Attributes:
        rows: the rows of a batch.
        memory: the bytes that the device needs, with weights and data; None if the program could
            not even be compiled for want of memory.
        fits: whether there are so many.
        seconds: the time of a step; None if it was not measured.
    """

    rows: int
    memory: int | None
    fits: bool
    seconds: float | None = None

    @property
    def rows_per_second(self) -> float | None:
        """The speed of training."""
        return None if self.seconds is None else self.rows / self.seconds


class BatchSizes(Sequence[BatchSize]):
    """What `Model.find_batch_size` found: a sequence of `BatchSize`, the smallest first.

    Args:
        name: of the model.
        sizes: what was found.
        best: the batch size that is recommended.
        limit: the bytes that may be used.
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
        """Returns the table that is shown."""
        timed = any(size.seconds is not None for size in self)
        columns = [TableColumn(title, right=True) for title in ("Batch size", "Memory")]
        columns += [TableColumn(title, right=True) for title in ("Step", "Rows/s")] if timed else []
        lines = [TableRow(self._cells(size, timed)) for size in self]
        notes = [f"Memory to use: {format_bytes(self.limit)}", f"Best batch size: {self.best}"]
        return DisplayTable(
            f"{self.name}: training steps", [*columns, TableColumn("")], lines, notes
        )

    def _cells(self, size: BatchSize, timed: bool) -> list[str]:
        mark = "best" if size.rows == self.best else "" if size.fits else "too large"
        cells = [format_count(size.rows), format_bytes(size.memory)]
        if timed:
            speed = size.rows_per_second
            shown = "-" if speed is None else format_count(round(speed))
            cells += [format_seconds(size.seconds), shown]
        return [*cells, mark]

    def __str__(self) -> str:
        return to_text(self.table())

    def _repr_html_(self) -> str:
        return to_html(self.table())

    def __repr__(self) -> str:
        return f"<BatchSizes: {len(self)} sizes, best {self.best}>"
