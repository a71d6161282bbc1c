"""Batching, unbatching, and splitting of data."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from cornu.utils import pack_x_y_sample_weight, split_dataset, unpack_x_y_sample_weight


def test_packing_is_that_of_keras():
    for args in (("x",), (("a", "b"),), ("x", "y"), ("x", "y", "w"), (["a"],)):
        packed = pack_x_y_sample_weight(*args)
        assert packed == keras.utils.pack_x_y_sample_weight(*args)
        assert unpack_x_y_sample_weight(packed) == keras.utils.unpack_x_y_sample_weight(packed)
    assert pack_x_y_sample_weight("x", None, "w") == ("x", None, "w")
    assert unpack_x_y_sample_weight(["x", "y"]) == ("x", "y", None)
    for wrong in ((), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match=f"Received a tuple of {len(wrong)}"):
            unpack_x_y_sample_weight(wrong)


def test_split():
    data = {"x": np.arange(10), "y": (np.arange(10) ** 2,)}
    left, right = split_dataset(data, left_size=0.75)
    assert left["x"].tolist() == list(range(8)) and right["y"][0].tolist() == [64, 81]
    left, right = split_dataset(np.arange(10), right_size=3)
    assert left.tolist() == list(range(7)) and right.tolist() == [7, 8, 9]
    left, right = split_dataset(np.arange(10), 2, 0.3)
    assert left.tolist() == [0, 1] and right.tolist() == [7, 8, 9]


def test_shuffled_split_keeps_rows_together():
    x = np.arange(20)
    for _ in range(2):
        (left_x, left_y), (right_x, right_y) = split_dataset((x, -x), 0.5, shuffle=True, seed=3)
        np.testing.assert_array_equal(left_x, -left_y)
        assert sorted([*left_x, *right_x]) == x.tolist() and left_x.tolist() != x[:10].tolist()
    again, _ = split_dataset(x, 0.5, shuffle=True, seed=3)
    np.testing.assert_array_equal(again, left_x)


def test_sizes_are_checked():
    x = np.arange(10)
    for kwargs, text in (
        ({}, "pass left_size or right_size"),
        ({"left_size": 1.5}, "left_size must be a fraction between 0 and 1"),
        ({"left_size": 0}, "left_size must be a fraction"),
        ({"right_size": 10}, "number of rows below 10"),
        ({"left_size": 0.01}, "one part of the 10 rows would be empty"),
        ({"left_size": 6, "right_size": 5}, "right_size=5 exceed the 10 rows"),
    ):
        with pytest.raises(ValueError, match=text):
            split_dataset(x, **kwargs)
    with pytest.raises(ValueError, match="different numbers of rows"):
        split_dataset((x, x[:3]), 0.5)
