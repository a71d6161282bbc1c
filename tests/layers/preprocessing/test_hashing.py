"""Hashing and crossing: within models, bytes and strings, and invalid arguments."""

import numpy as np
import pytest

import cornu
from cornu.layers import HashedCrossing, Hashing


def test_within_a_compiled_model():
    x = np.random.default_rng(0).integers(-(10**6), 10**6, (50, 2)).astype("int32")
    inputs = cornu.Input((2,), dtype="int32")
    for layer in (Hashing(100), Hashing(100, salt=3, mask_value=int(x[0, 0]))):
        model = cornu.Model(inputs, layer(inputs))
        np.testing.assert_array_equal(model.predict(x, verbose=0), layer(x))
    columns = [cornu.Input((1,), dtype="int32") for _ in range(2)]
    layer = HashedCrossing(100, output_mode="one_hot")
    model = cornu.Model(columns, layer(columns))
    np.testing.assert_array_equal(model([x[:, :1], x[:, 1:]]), layer([x[:, :1], x[:, 1:]]))


def test_strings_and_their_bytes_have_one_bin():
    layer, words = Hashing(10**9), ["é", "tea", ""]
    assert layer(words).tolist() == layer([word.encode() for word in words]).tolist()
    assert layer(["7"]).tolist() == layer([7]).tolist()


def test_long_integers_keep_all_bits():
    layer = Hashing(2**20)
    assert layer(np.array([2**40])) != layer(np.array([2**40 + 2**33]))


def test_the_mask_has_a_bin_of_its_own():
    layer = Hashing(3, mask_value="")
    bins = layer(["", b"", *map(str, range(30))]).tolist()
    assert bins[:2] == [0, 0] and set(bins[2:]) == {1, 2}


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"num_bins": 0}, "positive integer"),
        ({"num_bins": 3, "salt": "x"}, "an integer or a pair"),
        ({"num_bins": 3, "salt": [1, 2, 3]}, "an integer or a pair"),
        ({"num_bins": 3, "output_mode": "tf_idf"}, "output_mode must be one of"),
        ({"num_bins": 3, "dtype": "float32"}, "dtype must be 'int32' or 'int64'"),
    ],
)
def test_arguments_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=message):
        Hashing(**arguments)


def test_inputs_that_do_not_fit():
    with pytest.raises(TypeError, match=r"Convert them with x.astype\(int\)"):
        Hashing(3)(np.array([True]))
    cross = HashedCrossing(3)
    with pytest.raises(ValueError, match="expected a list of features"):
        cross(np.array([1]))
    with pytest.raises(ValueError, match="at least two features. Received: 1"):
        cross([np.array([1])])
    with pytest.raises(ValueError, match=r"all features must have the shape.*\(1,\), \(2,\)"):
        cross([np.array([1]), np.array([1, 2])])
    with pytest.raises(ValueError, match="all features must have the shape"):
        cross([np.ones((2, 2), int)] * 2)
    with pytest.raises(TypeError, match="received float64 for input 1"):
        cross([np.array([1]), np.array([1.0])])
