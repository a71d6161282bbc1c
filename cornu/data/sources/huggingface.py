"""Hugging Face: rows of `datasets.Dataset` in any order, and batches of an IterableDataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu.data import frames
from cornu.data.column_names import Names, bind
from cornu.data.foreign_types import is_a
from cornu.data.lazy_columns import Column, narrowed
from cornu.data.sources.stream import Stream

__all__ = ["HuggingFace", "TableColumn", "column_of_table", "columns_of_table"]


class Table:
    """A Dataset that is read by rows; the rows that were read last are kept for other columns."""

    def __init__(self, dataset: Any) -> None:
        if is_a(dataset, "datasets", "DatasetDict", "IterableDatasetDict"):
            raise TypeError(
                f"The data is a {type(dataset).__name__} with the parts {', '.join(dataset)}: "
                f"give one of them, such as dataset[{next(iter(dataset))!r}]."
            )
        own = dataset.format["type"] == "custom"  # a transform of the user's
        self.dataset = dataset if own else dataset.with_format("numpy")
        self._last: tuple[Any, Any] | None = None

    def read(self, positions: np.ndarray) -> Any:
        """Returns the columns of some rows, as a dict."""
        if self._last is None or not np.array_equal(self._last[0], positions):
            self._last = (positions, self.dataset[positions.tolist()])
        return self._last[1]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        if len(self.dataset) == 0:
            raise ValueError("The data is empty: it has 0 rows.")
        return list(self.read(np.arange(1)))


class TableColumn(Column):
    """A column of a Dataset; several may stand side by side, one number each."""

    kind = "datasets"

    def __init__(self, table: Table, names: list[str], side_by_side: bool = False) -> None:
        self._names, self._side_by_side = names, side_by_side
        self._data = table
        first = self._read(np.arange(1))
        super().__init__(table, (len(table.dataset), *first.shape[1:]), narrowed(first).dtype)

    def _read(self, positions: np.ndarray) -> Any:
        table = self._data.read(positions)
        parts = [_array(table[name], name) for name in self._names]
        return np.stack(parts, axis=1) if self._side_by_side else parts[0]


def _array(values: Any, name: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(len(values), object)
        array[:] = [np.asarray(value) for value in values]
    if array.dtype.kind == "O":
        array = frames.stacked(array, f"Column {name!r}")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Column {name!r} holds {frames.contents(array)}, not numbers. Turn it into numbers "
            "first (dataset.map), or leave it out (dataset.remove_columns)."
        )
    return array


def column_of_table(column: Any) -> TableColumn:
    """Returns what `dataset["name"]` gives as a Column, which reads rows when they are needed."""
    return TableColumn(Table(column.source), [column.column_name])


def columns_of_table(dataset: Any, names: Names, y: Any, weight: Any) -> Any:
    """Returns `(x, y, sample_weight)` of a Dataset, as Columns; see `bind`."""
    table = Table(dataset)

    def columns(bound: Any, together: bool = False) -> Any:
        if isinstance(bound, dict):
            if together:
                return TableColumn(table, list(bound.values()), side_by_side=True)
            return {key: columns(name) for key, name in bound.items()}
        if isinstance(bound, (list, tuple)):
            return [columns(name) for name in bound]
        return None if bound is None else TableColumn(table, [bound])

    x, y, weight = bind(table.names, names, y, weight)
    together = isinstance(x, dict) and len(names.inputs) == 1
    return columns(x, together), columns(y), columns(weight)


class HuggingFace(Stream):
    """Batches of rows of an IterableDataset.

    The dataset says where it is, exactly unless its rows are shuffled: what is in the buffer of
    `shuffle` is not part of its state.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Callable[[Any], Any] = lambda batch: batch,
        restart: bool = False,
        batch_size: int = 32,
    ) -> None:
        batched = source.with_format("numpy").batch(batch_size)
        super().__init__(batched, steps, read, prepare, restart)
        self.batch_size = batch_size
        self.resumes = "epoch" if _shuffles(getattr(source, "_ex_iterable", None)) else "batch"

    def _open(self) -> Iterator[Any]:
        self._source.set_epoch(self._pass)
        return iter(self._source)

    def _mark(self) -> Any:
        return self._source.state_dict()

    def _reach(self, number: int, count: int, mark: Any) -> None:
        if count:  # the state is taken up by the next iterator
            self._source.load_state_dict(mark)
        super()._reach(number, count, mark)

    def describe(self) -> dict[str, Any]:
        """Returns what must be equal for the batches to be equal, as far as it is known."""
        return {**super().describe(), "batch_size": self.batch_size}


# What draws rows in random order keeps rows that its state does not hold, or has no state.
_RANDOM = ("Shuffled", "Random", "Interleaved")


def _shuffles(examples: Any) -> bool:
    """Tells whether rows are drawn in random order; of what is not known that is assumed."""
    if examples is None or any(word in type(examples).__name__ for word in _RANDOM):
        return True
    inner = [getattr(examples, "ex_iterable", None), *getattr(examples, "ex_iterables", ())]
    return any(_shuffles(part) for part in inner if part is not None)
