"""Splits data in two."""

from __future__ import annotations

import numpy as np

from cornu import seeds
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data.sources.arrays import length
from cornu.data.splits import chosen, with_rows
from cornu.errors import quantity
from cornu.types import PyTree

__all__ = ["split_dataset"]


@api_boundary
def split_dataset(
    dataset: PyTree,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[PyTree, PyTree]:
    """Splits data in two along its rows.

    Args:
        dataset: arrays, arrays in files, sparse matrices, frames, a Hugging Face Dataset, or
            nested tuples, lists and dicts of these, with equal length. A `tf.data.Dataset`, torch
            Dataset or Grain dataset is read into arrays.
        left_size: the size of the first part: a fraction (float) or a number of rows (int).
        right_size: the size of the second part; by default the remaining rows. If both sizes
            are given, rows in between are dropped.
        shuffle: whether to shuffle the rows before the split.
        seed: the seed of the order.
        preferred_backend: ignored; part of the signature of Keras.

    Returns:
        Both parts, in the structure of `dataset`. Frames remain frames, and arrays in files are
        not loaded.

    Raises:
        ValueError: no size is given, or a size does not fit the data.

    Example:

    >>> train, test = split_dataset((np.arange(10), np.arange(10) ** 2), left_size=0.8)
    >>> test
    (array([8, 9]), array([64, 81]))

    Differences: Keras returns datasets of single rows, of TensorFlow or PyTorch. Arrays and frames
    are passed to `fit` as they are, shuffled in each epoch and split again;
    `tf.data.Dataset.from_tensor_slices(part)` makes a dataset of one.
    """
    dataset = with_rows(dataset)
    count = length(dataset)
    left, right = _check_sizes(count, left_size, right_size)
    if not shuffle:
        return chosen(dataset, slice(0, left)), chosen(dataset, slice(count - right, count))
    order = np.random.default_rng(seeds.next_seed() if seed is None else seed).permutation(count)
    return chosen(dataset, order[:left]), chosen(dataset, order[count - right :])


def _check_sizes(count: int, left: float | None, right: float | None) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("split_dataset: pass left_size or right_size.")
    left_rows, right_rows = _check_size(count, "left", left), _check_size(count, "right", right)
    first = count - (right_rows or 0) if left_rows is None else left_rows
    second = count - first if right_rows is None else right_rows
    if first + second > count:
        raise ValueError(
            f"split_dataset: left_size={first} and right_size={second} exceed the "
            f"{quantity(count, 'row')} of the data."
        )
    if not first or not second:
        raise ValueError(
            f"split_dataset: with these sizes, one part of the {quantity(count, 'row')} would be "
            "empty."
        )
    return first, second


def _check_size(count: int, side: str, size: float | None) -> int | None:
    if size is None:
        return None
    fraction = isinstance(size, float)
    if not 0 < size < (1 if fraction else count):
        raise ValueError(
            f"split_dataset: {side}_size must be a fraction between 0 and 1 (float) or a number of "
            f"rows below {count} (int). Received: {size!r}"
        )
    return round(size * count) if fraction else int(size)
