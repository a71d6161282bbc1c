"""Windows over series: equal to Keras's, created on demand."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest

import cornu
from cornu.utils import timeseries_dataset_from_array
from tests.data.readers.tensorflow_reference import arrays, made

SERIES = np.arange(60, dtype="float32").reshape(20, 3)
TARGETS = np.arange(20) * 10


def same(a, b):
    for mine, expected in zip(a, b, strict=True):
        if not isinstance(expected, tuple):
            mine, expected = (mine,), (expected,)
        for x, y in zip(mine, expected, strict=True):
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("targets", [None, TARGETS, TARGETS[:9], TARGETS[:, None] + [0, 1]])
def test_windows_are_those_of_keras(targets):
    spans = [*itertools.product((1, 4), (1, 3), (1, 2), (3,)), (4, 1, 1, None), (4, 2, 3, 128)]
    for length, stride, rate, size in spans:
        kwargs = {"sequence_stride": stride, "sampling_rate": rate, "batch_size": size}
        theirs = made(keras.utils.timeseries_dataset_from_array, SERIES, targets, length, **kwargs)
        ours = timeseries_dataset_from_array(SERIES, targets, length, **kwargs)
        same(ours, arrays(theirs))
        assert len(ours) == len(theirs)


@pytest.mark.parametrize("start, end", [(0, None), (3, None), (None, 12), (2, 15), (15, 19)])
def test_spans_are_those_of_keras(start, end):
    for targets in (None, TARGETS):
        kwargs = {"start_index": start, "end_index": end, "sampling_rate": 2}
        theirs = made(keras.utils.timeseries_dataset_from_array, SERIES, targets, 2, **kwargs)
        same(timeseries_dataset_from_array(SERIES, targets, 2, **kwargs), arrays(theirs))


def test_a_shuffled_order_has_the_windows_of_keras():
    kwargs = {"shuffle": True, "seed": 5, "batch_size": None}
    ours = timeseries_dataset_from_array(SERIES, TARGETS, 3, **kwargs)
    theirs = arrays(made(keras.utils.timeseries_dataset_from_array, SERIES, TARGETS, 3, **kwargs))
    begins = [int(x[0, 0]) // 3 for x, _ in ours]
    expected = np.arange(18)
    np.random.RandomState(5).shuffle(expected)  # Keras's order, before TensorFlow's
    assert begins == expected.tolist() and [int(y) for _, y in ours] == [10 * b for b in begins]
    assert sorted(begins) == sorted(int(x[0, 0]) // 3 for x, _ in theirs)
    assert begins != [int(x[0, 0]) // 3 for x, _ in ours.in_epoch(1)]


def test_targets_that_end_early():
    # Keras fails when it reads the windows behind them.
    data = timeseries_dataset_from_array(SERIES, TARGETS[:10], 2, start_index=4, batch_size=None)
    assert [int(y) for _, y in data] == [40, 50, 60, 70, 80, 90]


def test_lists_and_only_what_is_read():
    data = timeseries_dataset_from_array(list(range(9)), list(range(9)), 3, batch_size=4)
    assert data[1][0].tolist() == [[4, 5, 6], [5, 6, 7], [6, 7, 8]]
    long = np.zeros(1 << 20, "float32")
    data = timeseries_dataset_from_array(long, long, 1 << 16)  # of 250 GB, if they were all cut
    assert data[5][0].shape == (128, 1 << 16)


def test_a_model_learns_from_windows():
    data = timeseries_dataset_from_array(SERIES / 60, SERIES[4:, 0] / 60, 4, shuffle=True, seed=1)
    model = cornu.Sequential([cornu.Input((4, 3)), cornu.layers.Flatten(), cornu.layers.Dense(1)])
    model.compile("sgd", "mse")
    losses = model.fit(data, validation_data=data, epochs=2, verbose=0).history["loss"]
    assert losses[1] < losses[0]


@pytest.mark.parametrize(
    "kwargs, message",
    [
        ({"start_index": -1}, "start_index must be between 0 and 19"),
        ({"start_index": 20}, "start_index must be between 0 and 19"),
        ({"start_index": 5, "end_index": 5}, "end_index must be between 6 and 20. Received: 5"),
        ({"end_index": 21}, "end_index must be between 1 and 20"),
        ({"end_index": 0}, "end_index must be between 1 and 20"),
        ({"sampling_rate": 0}, "sampling_rate must be between 1 and 19"),
        ({"sequence_stride": 20}, "sequence_stride must be between 1 and 19"),
        ({"sequence_length": 21}, "20 steps, but a window of 21 steps spans 21"),
        ({"sequence_length": 11, "sampling_rate": 2}, "window of 11 steps spans 21"),
        ({"targets": []}, "20 steps and 0 targets, but"),
        ({"sequence_length": 0}, "sequence_length and batch_size must be positive integers"),
        ({"batch_size": 0}, "sequence_length and batch_size must be positive integers"),
        ({"batch_size": 2.0}, "sequence_length and batch_size must be positive integers"),
        ({"format": "torch"}, "format must be"),
    ],
)
def test_wrong_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        timeseries_dataset_from_array(
            **{"data": SERIES, "targets": None, "sequence_length": 3, **kwargs}
        )
