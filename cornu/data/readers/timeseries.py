"""A Dataset of windows over a series."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import seeds
from cornu.data.readers.dataset import Dataset, Rows

__all__ = ["timeseries_dataset_from_array"]

_WHO = "timeseries_dataset_from_array"


def timeseries_dataset_from_array(
    data: Any,
    targets: Any,
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
    """Returns batches of windows over a series, and the target of each.

    Window i has the steps s, s + r, s + 2 r, ..., with s = i * sequence_stride and
    r = sampling_rate, and the target targets[s]; all counted from `start_index`. Windows are cut
    out when their batch is needed.

    Args:
        data: the series: an array, or a list, whose first axis is time.
        targets: one for each step at which a window begins, or None.
        sequence_length: steps of a window.
        sequence_stride: from the begin of a window to the begin of the next.
        sampling_rate: from a step of a window to the next.
        batch_size: windows of a batch; with None each window is an item without batch axis.
        shuffle: whether windows are in random order, a new one in each epoch of `fit`.
        seed: of the order.
        start_index: the first step that is used.
        end_index: the step before which to end.
        format: kept for the signature; there is one kind of result.

    Shapes:
        windows (batch, sequence_length, ...); targets (batch, ...)

    Raises:
        ValueError: an argument is not right, or the series is too short for one window.

    Example:

    >>> series = np.arange(6)
    >>> windows = timeseries_dataset_from_array(series, series[3:], sequence_length=3)
    >>> for x, y in windows:
    ...     print(x.tolist(), y.tolist())
    [[0, 1, 2], [1, 2, 3], [2, 3, 4]] [3, 4, 5]

    Differences: windows for which there are no targets behind `start_index` are left out, where
        Keras fails when it reads them; a series that is too short is an error, not an empty
        dataset. `end_index` may be the length, and 0 is an error. The orders of later epochs are
        not those of Keras, which come from TensorFlow.
    """
    data = np.asarray(data)
    start, end = _span(len(data), start_index, end_index)
    for name, value in (("sampling_rate", sampling_rate), ("sequence_stride", sequence_stride)):
        if not 0 < value < len(data):
            raise ValueError(
                f"{_WHO}: {name} lies between 1 and {len(data) - 1}, as there are {len(data)} "
                f"steps. Received: {value!r}"
            )
    if sequence_length < 1 or batch_size is not None and batch_size < 1:
        raise ValueError(
            f"{_WHO}: sequence_length and batch_size are integers from 1 on. "
            f"Received: {sequence_length!r} and {batch_size!r}"
        )
    if format not in ("tf", "grain"):
        raise ValueError(f"{_WHO}: format is 'tf' or 'grain'. Received: {format!r}")
    reach = (sequence_length - 1) * sampling_rate
    data = data[start:end]
    begins = len(data) - reach
    if targets is not None:
        targets = np.asarray(targets)[start:end]
        begins = min(begins, len(targets))
    if begins < 1:
        raise ValueError(
            f"{_WHO}: {len(data)} steps"
            + ("" if targets is None else f" with {len(targets)} targets")
            + f" are too few for a window of {sequence_length} steps, {reach + 1} from the first "
            "to the last."
        )
    positions = np.arange(0, begins, sequence_stride)
    seed = seeds.next_seed() if seed is None else seed
    if shuffle:
        np.random.RandomState(seed).shuffle(positions)  # the first order of Keras
    steps = np.arange(0, reach + 1, sampling_rate)

    def read(numbers: np.ndarray) -> Any:
        begin = positions[numbers]
        windows = data[begin[:, None] + steps]
        return windows if targets is None else (windows, targets[begin])

    return Rows(len(positions), read, batch_size, shuffle, seed)


def _span(count: int, start: int | None, end: int | None) -> tuple[int, int]:
    first, last = start or 0, count if end is None else end
    if not 0 <= first < count:
        raise ValueError(
            f"{_WHO}: start_index lies between 0 and {count - 1}, as there are {count} steps. "
            f"Received: {start!r}"
        )
    if not first < last <= count:
        raise ValueError(
            f"{_WHO}: end_index lies between {first + 1} and {count}. Received: {end!r}"
        )
    return first, last
