"""Hugging Face: columns of a `datasets.Dataset`, and batches of an IterableDataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from cornu.core.state.dtypes import narrowed
from cornu.data import frames
from cornu.data.column_names import Names, bind
from cornu.data.lazy_columns import Column
from cornu.data.sources.stream import Prepare, Stream, keep_structure
from cornu.data.strings import has_strings
from cornu.foreign import is_a
from cornu.types import DataLike, PyTree

__all__ = ["HuggingFace", "TableColumn", "column_of_table", "columns_of_table"]


class Table:
    """A Dataset that is read by rows; the last rows are cached for its other columns."""

    def __init__(self, dataset: DataLike) -> None:
        if is_a(dataset, "datasets", "DatasetDict", "IterableDatasetDict"):
            raise TypeError(
                f"The data is a {type(dataset).__name__} with the splits {', '.join(dataset)}: "
                f"pass one of them, such as dataset[{next(iter(dataset))!r}]."
            )
        own = dataset.format["type"] == "custom"  # a custom transform
        self.dataset = dataset if own else dataset.with_format("numpy")
        self._cached: tuple[Any, Any] | None = None

    def read(self, positions: np.ndarray) -> Any:
        """Returns the columns of some rows, as a dict."""
        if self._cached is None or not np.array_equal(self._cached[0], positions):
            self._cached = (positions, self.dataset[positions.tolist()])
        return self._cached[1]

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        if len(self.dataset) == 0:
            raise ValueError("The data is empty: it has 0 rows.")
        return list(self.read(np.arange(1)))


class TableColumn(Column):
    """A column of a Dataset, or several scalar columns stacked along a new axis.

    Args:
        table: the Dataset.
        names: the names of the columns.
        side_by_side: whether there are several columns, which are stacked.
        strings: whether the rows may be strings.
    """

    kind = "datasets"

    def __init__(
        self, table: Table, names: list[str], side_by_side: bool = False, strings: bool = False
    ) -> None:
        self._names, self._side_by_side, self._strings = names, side_by_side, strings
        self._data = table
        first = self._read(np.arange(1))
        super().__init__(table, (len(table.dataset), *first.shape[1:]), narrowed(first).dtype)

    def _read(self, positions: np.ndarray) -> Any:
        table = self._data.read(positions)
        parts = [_array(table[name], name, self._strings) for name in self._names]
        return np.stack(parts, axis=1) if self._side_by_side else parts[0]


def _array(values: Any, name: str, strings: bool) -> np.ndarray:
    try:
        array = np.asarray(values)
    except ValueError:
        array = np.empty(len(values), object)
        array[:] = [np.asarray(value) for value in values]
    if strings and has_strings(array):
        return array
    if array.dtype.kind == "O":
        array = frames.stacked(array, f"Column {name!r}")
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Column {name!r} contains {frames.contents(array)}, not numbers. Convert it to "
            "numbers (dataset.map), or remove it (dataset.remove_columns)."
        )
    return array


def column_of_table(column: Any, strings: bool = False) -> TableColumn:
    """Returns a Column for `dataset["name"]`, which reads rows lazily."""
    return TableColumn(Table(column.source), [column.column_name], strings=strings)


def columns_of_table(dataset: DataLike, names: Names, y: DataLike, weight: PyTree) -> Any:
    """Returns `(x, y, sample_weight)` of a Dataset as Columns; see `bind`."""
    table = Table(dataset)

    def columns(bound: Any, together: bool = False, strings: bool = False) -> Any:
        if isinstance(bound, dict):
            if together:
                return TableColumn(table, list(bound.values()), True, strings)
            return {key: columns(name, strings=strings) for key, name in bound.items()}
        if isinstance(bound, (list, tuple)):
            return [columns(name, strings=strings) for name in bound]
        return None if bound is None else TableColumn(table, [bound], strings=strings)

    x, y, weight = bind(table.names, names, y, weight)
    together = isinstance(x, dict) and len(names.inputs) == 1
    inputs = columns(x, together, names.read is not None)
    if names.read is not None:
        inputs = names.read(inputs, "x", names.inputs, True)
    return inputs, columns(y), columns(weight)


class HuggingFace(Stream):
    """Batches of rows of an IterableDataset.

    The position of the dataset can be restored exactly, unless its rows are shuffled: the
    contents of the buffer of `shuffle` are not part of its state.
    """

    def __init__(
        self,
        source: Any,
        steps: int | None,
        read: Callable[[Any], Any],
        prepare: Prepare = keep_structure,
        restart: bool = False,
        batch_size: int = 32,
    ) -> None:
        batched = source.with_format("numpy").batch(batch_size)
        super().__init__(batched, steps, read, prepare, restart)
        self.batch_size = batch_size
        self.resumes = "epoch" if _is_shuffled(getattr(source, "_ex_iterable", None)) else "batch"

    def _open(self) -> Iterator[Any]:
        self._source.set_epoch(self._pass)
        return iter(self._source)

    def _position(self) -> Any:
        return self._source.state_dict()

    def _seek(self, number: int, count: int, position: Any) -> None:
        if count:  # the state applies to the next iterator
            self._source.load_state_dict(position)
        super()._seek(number, count, position)

    def describe(self) -> dict[str, Any]:
        """Returns a description that differs for sources with different batches, if known."""
        return {**super().describe(), "batch_size": self.batch_size}


# Iterables with a random order have a buffer that is not part of their state, or have no state.
_RANDOM = ("Shuffled", "Random", "Interleaved")


def _is_shuffled(examples: Any) -> bool:
    """Whether rows have a random order; True if it is unknown."""
    if examples is None or any(word in type(examples).__name__ for word in _RANDOM):
        return True
    inner = [getattr(examples, "ex_iterable", None), *getattr(examples, "ex_iterables", ())]
    return any(_is_shuffled(part) for part in inner if part is not None)
