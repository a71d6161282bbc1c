"""to_categorical, normalize and pad_sequences give what Keras gives."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from cornu.utils import normalize, pad_sequences, to_categorical


def test_to_categorical():
    for x, classes in (([0, 2, 1], None), ([[1], [0]], 4), (np.array([[0, 1], [2, 2]]), 3), (1, 2)):
        want = keras.utils.to_categorical(x, classes)
        got = to_categorical(x, classes)
        assert got.dtype == np.float32 and got.shape == want.shape
        np.testing.assert_array_equal(got, want)
    np.testing.assert_array_equal(to_categorical(np.array([0.0, 1.0])), np.eye(2))
    assert to_categorical([], 3).shape == (0, 3)


def test_to_categorical_of_jax_arrays():
    got = to_categorical(jnp.array([[1], [0]]))
    assert isinstance(got, jax.Array)
    np.testing.assert_array_equal(got, [[0, 1], [1, 0]])
    traced = jax.jit(lambda x: to_categorical(x, 3))(jnp.array([2, 0]))
    np.testing.assert_array_equal(traced, to_categorical([2, 0], 3))


def test_to_categorical_rejects_labels_out_of_range():
    with pytest.raises(ValueError, match="with 3 classes.*between -1 and 2"):
        to_categorical([-1, 2])
    with pytest.raises(ValueError, match="with 3 classes.*between 1 and 3"):
        to_categorical([1, 3], 3)


def test_normalize():
    x = np.random.default_rng(0).normal(size=(3, 4)).astype("float32")
    x[1] = 0
    for axis, order in ((-1, 2), (1, 1), (-1, np.inf)):
        want = keras.utils.normalize(x, axis=axis, order=order)
        np.testing.assert_allclose(normalize(x, axis, order), want, rtol=1e-6)
        ours = normalize(jnp.asarray(x), axis, order)
        assert isinstance(ours, jax.Array)
        np.testing.assert_allclose(ours, want, rtol=1e-6)
    np.testing.assert_allclose(normalize(x, 0), normalize(x.T).T)


def test_pad_sequences():
    lists = [[1], [2, 3], [4, 5, 6, 7], []]
    vectors = [np.ones((2, 3)), np.ones((1, 3))]
    cases = [
        (lists, {}),
        (lists, {"maxlen": 3}),
        (lists, {"maxlen": 3, "truncating": "post", "padding": "post"}),
        (lists, {"maxlen": 6, "value": -1.0, "dtype": "float32"}),
        (vectors, {"maxlen": 4, "dtype": "float32"}),
        ([["a"], ["b", "c"]], {"dtype": object, "value": "-"}),
    ]
    for sequences, kwargs in cases:
        got, want = (f(sequences, **kwargs) for f in (pad_sequences, keras.utils.pad_sequences))
        assert got.dtype == want.dtype
        np.testing.assert_array_equal(got, want)
    assert pad_sequences([[1, 2], [3]], maxlen=0).shape == (2, 0)
    assert pad_sequences([]).shape == (0, 0)


def test_pad_sequences_errors_name_the_cause():
    with pytest.raises(ValueError, match="padding must be 'pre' or 'post'. Received: 'left'"):
        pad_sequences([[1]], padding="left")
    with pytest.raises(ValueError, match="entry 1 is not a sequence: 3"):
        pad_sequences([[1], 3])
    with pytest.raises(ValueError, match="strings require dtype=object"):
        pad_sequences([["a"]], value="-")
    with pytest.raises(
        ValueError,
        match=r"entry 1 have shape \(2,\), but those of earlier entries have shape \(3,\)",
    ):
        pad_sequences([np.ones((1, 3)), np.ones((1, 2))])
