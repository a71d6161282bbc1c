"""Splitting of data with rows."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from cornu import tree
from cornu.data import frames
from cornu.data.conversion import as_arrays
from cornu.data.lazy_columns import Column, column_of
from cornu.errors import quantity
from cornu.foreign import is_a
from cornu.types import DataLike, PyTree

__all__ = ["chosen", "split", "with_rows"]


def split(structure: PyTree, fraction: float) -> tuple[Any, Any]:
    """Splits nested arrays in two; the second part is the last `fraction` of the rows."""
    if not 0 < fraction < 1:
        hint = f"\nWrite {fraction / 100} for {fraction} percent." if 1 < fraction <= 100 else ""
        raise ValueError(f"validation_split must be between 0 and 1. Received: {fraction!r}{hint}")
    leaves = [leaf for leaf in tree.leaves(structure) if leaf is not None]
    count = len(leaves[0])
    at = int(np.floor(count * (1.0 - fraction)))
    if at == 0 or at == count:
        raise ValueError(
            f"validation_split={fraction} of {quantity(count, 'row')} leaves one part empty."
        )
    first = jax.tree_util.tree_map(lambda a: a[:at], structure)
    return first, jax.tree_util.tree_map(lambda a: a[at:], structure)


def with_rows(dataset: DataLike) -> Any:
    """Returns data with rows; all samples of an iterable dataset are read and stacked."""
    if is_a(dataset, "tensorflow", "DatasetV1", "DatasetV2"):
        batched = getattr(dataset, "_batch_size", None) is not None
        return _stack_samples(dataset.unbatch() if batched else dataset)
    if is_a(dataset, "datasets", "IterableDataset"):
        return _stack_samples(dataset.with_format("numpy"))
    if is_a(dataset, "torch", "Dataset") and hasattr(dataset, "__len__"):
        return _stack_samples(dataset[i] for i in range(len(dataset)))
    if is_a(dataset, "torch", "Dataset") or is_a(dataset, "grain", "MapDataset", "IterDataset"):
        return _stack_samples(dataset)
    return jax.tree_util.tree_map(_without_reading, dataset)


def _without_reading(x: DataLike) -> Any:
    if frames.is_frame(x):
        return frames.collected(x)
    column = column_of(x)
    return x if column is None else column


def _stack_samples(samples: Any) -> Any:
    rows = [as_arrays(sample, "A sample") for sample in samples]
    if not rows:
        raise ValueError("The data is empty: it has no samples.")
    try:
        return jax.tree_util.tree_map(lambda *parts: np.stack(parts), *rows)
    except ValueError as error:
        raise ValueError(f"The samples cannot be stacked into arrays: {error}") from error


def chosen(structure: PyTree, rows: Any) -> Any:
    """Returns some rows of data: a slice, or positions. Columns stay columns."""
    return jax.tree_util.tree_map(lambda x: _chosen(x, rows), structure)


def _chosen(x: DataLike, rows: Any) -> Any:
    if is_a(x, "pandas", "DataFrame", "Series"):
        return x.iloc[rows]
    if is_a(x, "datasets", "Dataset"):
        return x.select(range(*rows.indices(len(x))) if isinstance(rows, slice) else rows)
    if isinstance(x, (Column, np.ndarray, jax.Array)) or isinstance(rows, slice):
        return x[rows]
    if is_a(x, "torch", "Tensor") or is_a(x, "polars", "DataFrame", "Series"):
        return x[rows.tolist()]
    return as_arrays(x, "The data")[rows]
