"""Windows over a time series as a Dataset."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import seeds
from cornu.core.tracebacks.api_boundary import api_boundary
from cornu.data.readers.dataset import Dataset, RowDataset
from cornu.data.readers.directories import check_format
from cornu.errors import is_positive_integer, quantity
from cornu.types import ArrayLike

__all__ = ["timeseries_dataset_from_array"]

_NAME = "timeseries_dataset_from_array"


@api_boundary
def timeseries_dataset_from_array(
    data: ArrayLike,
    targets: ArrayLike | None,
    sequence_length: int,
    sequence_stride: int = 1,
    sampling_rate: int = 1,
    batch_size: int | None = 128,
    shuffle: bool = False,
    seed: int | None = None,
    start_index: int | None = None,
    end_index: int | None = None,
    format: str = "tf",
) -> Dataset:
    """Returns a Dataset of windows over a time series, with a target for each window.

    Window i has the steps s, s + r, s + 2 r, ..., with s = i * sequence_stride and
    r = sampling_rate, and the target targets[s], all counted from `start_index`. Windows are
    extracted when a batch is requested.

    Args:
        data: the series: an array or list with time as the first axis.
        targets: a target for each step at which a window begins, or None.
        sequence_length: the number of steps of a window.
        sequence_stride: the distance between the beginnings of two windows.
        sampling_rate: the distance between two steps of a window.
        batch_size: the batch size; with None, each element is one window without batch axis.
        shuffle: whether to shuffle the windows, in a new order in each epoch of `fit`.
        seed: the seed of the order.
        start_index: the first step that is used.
        end_index: the first step after those that are used.
        format: ignored; part of the signature of Keras.

    Shapes:
        windows (batch, sequence_length, ...); targets (batch, ...)

    Raises:
        ValueError: an argument is invalid, or the series is too short for one window.

    Example:

    >>> series = np.arange(6)
    >>> windows = timeseries_dataset_from_array(series, series[3:], sequence_length=3)
    >>> for x, y in windows:
    ...     print(x.tolist(), y.tolist())
    [[0, 1, 2], [1, 2, 3], [2, 3, 4]] [3, 4, 5]

    Differences: a series that is too short is an error, not an empty dataset. `end_index` may be
    the length of the series, and must not be 0. The orders of later epochs differ from those of
    Keras, which come from TensorFlow.

    Fixes: windows without a target are omitted; Keras fails when it reads them.
    """
    data = np.asarray(data)
    start, end = _check_range(len(data), start_index, end_index)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < len(data):
            raise ValueError(
                f"{_NAME}: {name} must be between 1 and {len(data) - 1}, because the series has "
                f"{quantity(len(data), 'step')}. Received: {value!r}"
            )
    sizes = [sequence_length] if batch_size is None else [sequence_length, batch_size]
    if not all(map(is_positive_integer, sizes)):
        raise ValueError(
            f"{_NAME}: sequence_length and batch_size must be positive integers. "
            f"Received: sequence_length={sequence_length!r}, batch_size={batch_size!r}"
        )
    check_format(_NAME, format)
    reach = (sequence_length - 1) * sampling_rate
    data = data[start:end]
    begins = len(data) - reach
    if targets is not None:
        targets = np.asarray(targets)[start:end]
        begins = min(begins, len(targets))
    if begins < 1:
        raise ValueError(
            f"{_NAME}: the series has {quantity(len(data), 'step')}"
            + ("" if targets is None else f" and {quantity(len(targets), 'target')}")
            + f", but a window of {sequence_length} steps spans {quantity(reach + 1, 'step')}."
        )
    positions = np.arange(0, begins, sequence_stride)
    seed = seeds.next_seed() if seed is None else seed
    if shuffle:
        np.random.RandomState(seed).shuffle(positions)  # the same order as in Keras
    steps = np.arange(0, reach + 1, sampling_rate)

    def read(numbers: np.ndarray) -> Any:
        begin = positions[numbers]
        windows = data[begin[:, None] + steps]
        return windows if targets is None else (windows, targets[begin])

    return RowDataset(len(positions), read, batch_size, shuffle, seed)


def _check_range(count: int, start: int | None, end: int | None) -> tuple[int, int]:
    first, last = start or 0, count if end is None else end
    if not 0 <= first < count:
        raise ValueError(
            f"{_NAME}: start_index must be between 0 and {count - 1}, as there are "
            f"{quantity(count, 'step')}. "
            f"Received: {start!r}"
        )
    if not first < last <= count:
        raise ValueError(
            f"{_NAME}: end_index must be between {first + 1} and {count}. Received: {end!r}"
        )
    return first, last
