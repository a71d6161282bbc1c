"""Batches `(x, y, sample_weight)` taken apart and put together, and data split in two."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import seeds
from cornu.data.sources.arrays import length
from cornu.data.splits import chosen, with_rows

__all__ = ["pack_x_y_sample_weight", "split_dataset", "unpack_x_y_sample_weight"]


def pack_x_y_sample_weight(x: Any, y: Any = None, sample_weight: Any = None) -> Any:
    """Makes a batch of its parts, leaving out those at the end that are None.

    Example:

    >>> pack_x_y_sample_weight("x", "y"), pack_x_y_sample_weight("x")
    (('x', 'y'), 'x')

    Differences: Keras drops sample weights that are given without y.
    """
    if sample_weight is not None:
        return x, y, sample_weight
    if y is not None:
        return x, y
    return (x,) if isinstance(x, (tuple, list)) else x


def unpack_x_y_sample_weight(data: Any) -> tuple[Any, Any, Any]:
    """Returns the parts of a batch; those that it does not have are None.

    Raises:
        ValueError: it has more than three.

    Example:

    >>> unpack_x_y_sample_weight(("x", "y"))
    ('x', 'y', None)
    """
    parts = tuple(data) if isinstance(data, (tuple, list)) else (data,)
    if not 1 <= len(parts) <= 3:
        raise ValueError(
            f"A batch is x, (x, y) or (x, y, sample_weight). Received {len(parts)} parts."
        )
    return (*parts, None, None)[:3]


def split_dataset(
    dataset: Any,
    left_size: float | None = None,
    right_size: float | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Any, Any]:
    """Splits data in two along its rows.

    Args:
        dataset: arrays, arrays in files, sparse matrices, frames, a Hugging Face Dataset, or
            nested tuples, lists and dicts of these, of equal length. Of a `tf.data.Dataset`, a
            torch Dataset or a Grain dataset all samples are read into arrays.
        left_size: rows of the first part: a fraction (float) or their number (int).
        right_size: rows of the second part; by default what is left. If both sizes are given,
            rows may remain.
        shuffle: whether to split rows in random order.
        seed: of that order.
        preferred_backend: kept for the signature; there is one kind of result.

    Returns:
        Both parts, in the structure of `dataset`. Frames stay frames, what lies in a file stays
        there.

    Raises:
        ValueError: no size is given, or one does not fit the data.

    Example:

    >>> train, test = split_dataset((np.arange(10), np.arange(10) ** 2), left_size=0.8)
    >>> test
    (array([8, 9]), array([64, 81]))

    Differences: Keras returns datasets of TensorFlow or PyTorch; these are arrays and frames, which
        `fit` takes as they are.
    """
    dataset = with_rows(dataset)
    count = length(dataset)
    left, right = _sizes(count, left_size, right_size)
    if not shuffle:
        return chosen(dataset, slice(0, left)), chosen(dataset, slice(count - right, count))
    order = np.random.default_rng(seeds.next_seed() if seed is None else seed).permutation(count)
    return chosen(dataset, order[:left]), chosen(dataset, order[count - right :])


def _sizes(count: int, left: float | None, right: float | None) -> tuple[int, int]:
    if left is None and right is None:
        raise ValueError("split_dataset: give left_size or right_size.")
    sizes = [_size(count, name, size) for name, size in (("left", left), ("right", right))]
    first = count - sizes[1] if sizes[0] is None else sizes[0]
    second = count - first if sizes[1] is None else sizes[1]
    if first + second > count:
        raise ValueError(
            f"split_dataset: {first} rows at the left and {second} at the right are more than "
            f"the {count} there are."
        )
    if not first or not second:
        raise ValueError(f"split_dataset: one part of the {count} rows would be empty.")
    return first, second


def _size(count: int, side: str, size: float | None) -> int | None:
    if size is None:
        return None
    fraction = isinstance(size, float)
    if not 0 < size < (1 if fraction else count):
        raise ValueError(
            f"split_dataset: {side}_size is a fraction between 0 and 1 (float) or a number of "
            f"rows below {count} (int). Received: {size!r}"
        )
    return round(size * count) if fraction else int(size)
