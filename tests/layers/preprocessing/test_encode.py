"""Indices as vectors: the host and the compiled way agree, on any number of axes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu.layers import CategoryEncoding, Dense
from cornu.layers.preprocessing.tabular.encoding import MODES, encode, encoded_shape


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1), (2, 3, 4)])
def test_both_ways_and_the_shape(mode, shape):
    x = np.random.default_rng(0).integers(-1, 6, shape)
    host = encode(x, mode, 5, "float32")
    compiled = jax.jit(lambda x: encode(x, mode, 5, "float32"))(jnp.asarray(x))
    np.testing.assert_array_equal(host, compiled)
    expected = shape if shape or mode == "one_hot" or mode == "int" else (1,)
    assert host.shape == encoded_shape(expected, mode, 5)


def test_lookup_is_along_the_last_axis():
    x = np.array([[[1, 1], [2, 3]]])
    assert CategoryEncoding(4, "count")(x).tolist() == [[[0, 2, 0, 0], [0, 0, 1, 1]]]


def test_weights_of_counts():
    layer = CategoryEncoding(3, output_mode="count")
    x, weights = np.array([[0, 0], [1, 2]]), np.array([[0.5, 0.25], [1.0, 2.0]])
    assert layer(x, count_weights=weights).tolist() == [[0.75, 0, 0], [0, 1, 2]]
    with pytest.raises(ValueError, match="count_weights requires output_mode='count'"):
        CategoryEncoding(3)(x, count_weights=weights)


def test_counts_beyond_the_integers_of_half_precision():
    x = np.zeros((1, 1000), "int32")
    for dtype in ("bfloat16", "float16"):
        for weights in (None, np.ones(x.shape, dtype)):
            host = encode(x, "count", 2, dtype, weights)
            compiled = jax.jit(lambda x, w, d=dtype: encode(x, "count", 2, d, w))(x, weights)
            assert host.tolist() == compiled.tolist() == [[1000, 0]]
            assert host.dtype == compiled.dtype == dtype


def test_fit_rejects_data_that_cannot_be_resumed():
    model = cornu.Sequential([cornu.Input((2,), dtype="int32"), CategoryEncoding(3), Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="from 0 to 2, received integers from 1 to 7"):
        model.fit(np.array([[1, 7]]), np.zeros((1, 1)), verbose=0)


def test_arguments_that_do_not_fit():
    with pytest.raises(ValueError, match="num_tokens, the number of categories, is missing"):
        CategoryEncoding()
    with pytest.raises(ValueError, match="positive integer"):
        CategoryEncoding(0)
    with pytest.raises(ValueError, match="output_mode must be one of"):
        CategoryEncoding(3, output_mode="int")
    assert CategoryEncoding(3, output_mode="binary").output_mode == "multi_hot"


@pytest.mark.parametrize("xp", [np, jnp])
def test_a_single_index_is_marked_like_several(xp):
    for shape in ((4, 1), (2, 3, 1), (1,)):
        x = xp.asarray(np.random.default_rng(0).integers(-2, 7, shape))
        once = encode(x, "multi_hot", 5, "float32")
        np.testing.assert_array_equal(once, encode(x, "count", 5, "float32"))
        twice = encode(xp.concatenate([x, x], -1), "multi_hot", 5, "float32")
        np.testing.assert_array_equal(once, twice)
