"""Arguments that are positive integers: those of NumPy are accepted, and True is not."""

import json

import numpy as np
import pytest

import cornu
from cornu import layers

CASES = {
    "attention": lambda n: layers.MultiHeadAttention(n, n),
    "attention_window": lambda n: layers.MultiHeadAttention(2, 2, sliding_window=n),
    "dense": layers.Dense,
    "dropout": lambda n: layers.Dropout(0.5, noise_shape=(None, n)),
    "embedding": lambda n: layers.Embedding(n, n),
    "grouped_attention": lambda n: layers.GroupQueryAttention(n, n, n),
    "lookup": lambda n: layers.IntegerLookup(vocabulary=[1, 2], num_oov_indices=n),
    "ngrams": lambda n: layers.TextVectorization(ngrams=n),
    "ngrams_tuple": lambda n: layers.TextVectorization(ngrams=(n,)),
    "normalize": lambda n: cornu.ops.normalize([3.0, 4.0], order=n),
    "upsampling": layers.UpSampling1D,
}


@pytest.mark.parametrize("create", CASES.values(), ids=CASES)
def test_integers_of_numpy_are_sizes_and_true_is_not(create):
    plain, given = create(2), create(np.int64(2))
    if isinstance(plain, cornu.Layer):
        plain, given = ({**x.get_config(), "name": ""} for x in (plain, given))
        assert json.dumps(given) == json.dumps(plain)
    else:
        np.testing.assert_array_equal(given, plain)
    with pytest.raises((TypeError, ValueError), match="integer"):
        create(True)
