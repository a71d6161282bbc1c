"""Ops on sparse arrays beside Keras on JAX: values, and whether the result is sparse."""

import keras
import numpy as np
import pytest

import cornu
from cornu.core.sparse.arrays import is_sparse, to_dense
from tests.core.sparse import test_rules as table

# Keras does not compute these with sparse arrays.
REFUSED = frozenset(
    "all any compute_mask dot einsum elu equal greater greater_equal leaky_relu less less_equal "
    "logical_not max min nan_to_num not_equal relu relu6 selu sigmoid silu softmax softplus "
    "softsign tanh_shrink tensordot trunc".split()
)
# In Keras, the bin of values that are not stored is 0 whatever the edges.
DIFFERENT = frozenset(["digitize"])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(table.NAMES) - REFUSED - DIFFERENT))
def test_ops_return_what_keras_returns(name, monkeypatch):
    compared = 0
    for call in table.calls(name):
        for x in (table.SPARSE, table.TWICE):
            ours = call(x)
            with monkeypatch.context() as patch:
                patch.setattr(table, "ops", keras.ops)
                patch.setattr(table, "cornu", keras)
                try:
                    theirs = call(x)
                except (TypeError, ValueError, NotImplementedError):
                    continue
            compared += 1
            assert is_sparse(ours) == is_sparse(theirs)
            assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)
            np.testing.assert_allclose(to_dense(ours), to_dense(theirs), 1e-5)
    assert compared


@pytest.mark.parametrize("mode", ["one_hot", "multi_hot", "count"])
def test_layers_return_what_keras_returns(mode):
    x = np.array([[1, 1], [4, 0]])
    for make in (
        lambda k: k.layers.CategoryEncoding(5, mode, sparse=True),
        lambda k: k.layers.Discretization([1.5, 3.0], output_mode=mode, sparse=True),
    ):
        ours, theirs = make(cornu)(x), make(keras)(x)
        assert is_sparse(ours)
        assert is_sparse(theirs)
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(to_dense(ours), to_dense(theirs))
