"""Conversion of tables and data frames to dicts of columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from cornu.errors import suggest
from cornu.layers.preprocessing.reading import as_array, items_of

__all__ = ["as_column", "columns", "parts"]

_ROWS = 32  # per part, for data that is not batched


def columns(data: Any, names: Sequence[str], label: str) -> dict[str, Any]:
    """Returns columns of a table as arrays.

    Args:
        data: a dict or data frame of columns.
        names: the names of the columns.
        label: the name of the layer in error messages.

    Raises:
        TypeError: `data` is not a table.
        ValueError: a column is missing.
    """
    there = data if isinstance(data, dict) else getattr(data, "columns", None)
    if there is None:
        raise TypeError(
            f"{label} expects a dict of columns or a data frame. Received: {type(data).__name__}"
        )
    missing = [name for name in names if name not in there]
    if missing:
        raise ValueError(
            f"{label}: the data has no column {missing[0]!r}. "
            f"{suggest(missing[0], [str(name) for name in there])}"
        )
    return {name: _as_array(data[name], name, label) for name in names}


def _as_array(column: Any, name: str, label: str) -> Any:
    if type(column) is np.ndarray and column.dtype.kind != "O":
        return column
    return as_array(column, f"{label}: column {name!r}")


def as_column(x: Any) -> Any:
    """Reshapes a column or a scalar to (rows, 1)."""
    if x.ndim == 0:
        return x.reshape(1, 1)
    return x[:, None] if x.ndim == 1 else x


def parts(data: Any, names: Sequence[str], label: str) -> Iterator[dict[str, Any]]:
    """Yields a table in parts, each a dict of columns of shape (rows, 1).

    Args:
        data: a table, or an iterable of tables or single rows; of a tuple such as `(x, y)`, the
            first element is used.
        names, label: as in `columns`.
    """
    if isinstance(data, dict) or hasattr(data, "columns"):
        table = columns(data, names, label)
        whole = {name: as_column(x) for name, x in table.items()}
        for start in range(0, max(map(len, whole.values()), default=0), _ROWS):
            yield {name: x[start : start + _ROWS] for name, x in whole.items()}
        return
    items = items_of(
        data, f"{label} expects a dict of columns, a data frame, or an iterable of these."
    )
    empty = True
    while batch := list(islice(items, 1)):
        empty = False
        part = columns(_first(batch[0]), names, label)
        if all(x.ndim == 0 for x in part.values()):
            rows = [part, *(columns(_first(row), names, label) for row in islice(items, _ROWS - 1))]
            part = {name: np.stack([row[name] for row in rows]) for name in names}
        yield {name: as_column(x) for name, x in part.items()}
    if empty:
        raise ValueError(f"{label} received no data: the iterable is empty or already consumed.")


def _first(batch: Any) -> Any:
    return batch[0] if isinstance(batch, tuple) else batch
