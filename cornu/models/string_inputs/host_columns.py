"""Rows of inputs, and columns that the host part of a model computes from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from cornu.data.lazy_columns import Column
from cornu.data.strings import has_strings
from cornu.models.string_inputs.step_inputs import StepInputs

__all__ = [
    "HostColumn",
    "HostRows",
    "HostTable",
    "is_strings",
    "slice_rows",
    "take_rows",
    "with_rank",
]


class HostTable:
    """The inputs of a host part; the results for the last rows are cached for other columns.

    Args:
        run: computes StepInputs from rows of the inputs.
        values: the data of each input.
    """

    def __init__(self, run: Callable[[Sequence[Any]], StepInputs], values: Sequence[Any]) -> None:
        self._run = run
        self._values = values
        self._cached: tuple[np.ndarray, StepInputs] | None = None

    def read(self, positions: np.ndarray) -> StepInputs:
        """Returns the results for some rows."""
        if self._cached is None or not np.array_equal(self._cached[0], positions):
            rows = [take_rows(x, positions) for x in self._values]
            self._cached = (positions, self._run(rows))
        return self._cached[1]


class HostColumn(Column):
    """Numbers that the host part of a model computes when the rows of a batch are read."""

    kind = "host part"

    def __init__(self, table: HostTable, name: str, shape: Any, dtype: Any) -> None:
        super().__init__(table, shape, dtype)
        self._name = name

    def _read(self, positions: np.ndarray) -> Any:
        return self._data.read(positions)[self._name]


class HostRows(HostColumn):
    """Sparse rows that the host part of a model computes when the rows of a batch are read."""

    kind = "sparse host part"

    def take(self, positions: np.ndarray) -> Any:
        """Computes the rows with some indices."""
        return self._read(np.asarray(self._rows)[positions])

    def spec(self, rows: int) -> Any:
        """Returns the spec of what `take` returns for the first rows."""
        return jax.tree_util.tree_map(
            lambda x: jax.ShapeDtypeStruct(x.shape, jax.dtypes.canonicalize_dtype(x.dtype)),
            self.take(np.arange(rows)),
        )


def is_strings(x: Any) -> bool:
    """Whether an array or Column holds strings."""
    if isinstance(x, Column):
        return x.dtype.kind in "OUST"
    return isinstance(x, np.ndarray) and has_strings(x)


def with_rank(x: np.ndarray, rank: int) -> np.ndarray:
    """Returns strings with a last axis of size 1 added or removed."""
    if x.ndim == rank - 1:
        return x[..., None]
    return x[..., 0] if x.ndim == rank + 1 else x


def slice_rows(x: Any, start: int, stop: int) -> Any:
    """Returns consecutive rows of an array or Column; None remains."""
    if x is None:
        return None
    return x.range(start, stop) if isinstance(x, Column) else x[start:stop]


def take_rows(x: Any, positions: np.ndarray) -> Any:
    """Returns rows of an array or Column; None remains."""
    if x is None:
        return None
    return x.take(positions) if isinstance(x, Column) else np.asarray(x)[positions]
