"""Ops on sparse arrays: values, and whether the result is sparse, in all forms of a call."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.sparse
from jax.experimental.sparse import BCOO

import cornu
from cornu import ops
from cornu.core.sparse.arrays import is_sparse, to_dense
from cornu.core.sparse.rules import RULES
from tests.sampling import slow_except

DENSE = np.array([[0, 0.5, 0], [0.25, 0, -0.75]], "float32")
SPARSE = BCOO.fromdense(DENSE, nse=5)  # padded with entries outside of the array
TWICE = BCOO((jnp.array([0.25, 0.25, 0.5]), jnp.array([[0, 1], [0, 1], [1, 0]])), shape=(2, 3))
OTHER = np.arange(1, 7, dtype="float32").reshape(3, 2)
ROW = np.array([2, 4, 8], "float32")

# The calls of each op. Those that are not named here have one argument.
CALLS = {
    "add": [lambda x: ops.add(x, x), lambda x: ops.add(x, SPARSE), lambda x: ops.add(x, DENSE)],
    "cast": [lambda x: ops.cast(x, "int32"), lambda x: ops.cast(x, "float16")],
    "compute_mask": [lambda x: cornu.layers.Masking(0.5).compute_mask(x, None)],
    "concatenate": [
        lambda x: ops.concatenate([x, SPARSE]),
        lambda x: ops.concatenate([x, SPARSE], axis=-1),
        lambda x: ops.concatenate([x, DENSE], axis=1),
    ],
    "digitize": [lambda x: ops.digitize(x, np.array([-0.5, 0.3]))],
    "divide": [
        lambda x: ops.divide(x, 2),
        lambda x: ops.divide(x, ROW),
        lambda x: ops.divide(x, DENSE + 3),
        lambda x: ops.divide(DENSE, ops.add(x, 3.0)),
    ],
    "dot": [lambda x: ops.dot(x, OTHER)],
    "einsum": [lambda x: ops.einsum("ij,jk->ik", x, OTHER)],
    "expand_dims": [
        lambda x: ops.expand_dims(x, 0),
        lambda x: ops.expand_dims(x, -1),
        lambda x: ops.expand_dims(x, (0, 2)),
    ],
    "get_item": [lambda x: x[:, 1:], lambda x: x[0]],
    "matmul": [
        lambda x: x @ OTHER,
        lambda x: ops.matmul(OTHER, x),
        lambda x: ops.matmul(x, ops.transpose(x)),
    ],
    "maximum": [lambda x: ops.maximum(x, SPARSE), lambda x: ops.maximum(x, DENSE)],
    "minimum": [lambda x: ops.minimum(x, SPARSE), lambda x: ops.minimum(SPARSE, x)],
    "mean": [lambda x: ops.mean(x, axis=-1), lambda x: ops.mean(x, axis=0, keepdims=True)],
    "multiply": [
        lambda x: x * 2,
        lambda x: ops.multiply(x, SPARSE),
        lambda x: ops.multiply(ROW, x),
        lambda x: ops.multiply(x, np.ones((4, 1, 1), "float32")),
    ],
    "reshape": [lambda x: ops.reshape(x, (3, 2)), lambda x: ops.reshape(x, -1)],
    "squeeze": [lambda x: ops.squeeze(ops.expand_dims(x, 1)), lambda x: ops.squeeze(x[:1], 0)],
    "subtract": [lambda x: ops.subtract(x, SPARSE), lambda x: ops.subtract(DENSE, x)],
    "sum": [
        lambda x: ops.sum(x),
        lambda x: ops.sum(x, axis=1),
        lambda x: ops.sum(x, axis=(0, 1), keepdims=True),
    ],
    "take": [lambda x: ops.take(ROW, ops.cast(ops.abs(x), "int32"), axis=0)],
    "take_along_axis": [lambda x: ops.take_along_axis(DENSE, ops.cast(ops.abs(x), "int32"), 1)],
    "tensordot": [lambda x: ops.tensordot(x, OTHER, 1)],
    "transpose": [lambda x: ops.transpose(x), lambda x: ops.transpose(x, (0, 1))],
    "true_divide": [lambda x: x / 2, lambda x: x / ROW],
}
COMPARED = dict.fromkeys("equal not_equal greater greater_equal less less_equal".split())
NAMES = sorted(RULES.keys() - {"bincount"})
ALWAYS = "add matmul maximum multiply".split()


def calls(name):
    if name in COMPARED:
        return [lambda x: getattr(ops, name)(x, DENSE)]
    return CALLS.get(name) or [lambda x: getattr(ops, name)(x)]


@pytest.mark.parametrize("name", slow_except(NAMES, ALWAYS))
def test_ops_compute_with_sparse_arrays_in_all_forms(name):
    for call in calls(name):
        for x in (SPARSE, TWICE):
            found = call(x)
            expected = np.asarray(to_dense(call(jnp.asarray(x.todense()))))
            np.testing.assert_allclose(to_dense(found), expected, 1e-5)
            assert found.dtype == expected.dtype
            compiled = jax.jit(call)(x)
            assert is_sparse(compiled) == is_sparse(found)
            np.testing.assert_allclose(to_dense(compiled), expected, 1e-5)
        inputs = cornu.Input(batch_shape=(2, 3), sparse=True)
        symbolic = call(inputs)
        assert symbolic.sparse == is_sparse(found)
        assert (symbolic.shape, symbolic.dtype) == (found.shape, found.dtype.name)
        result = cornu.Model(inputs, symbolic)(TWICE)
        np.testing.assert_allclose(to_dense(result), expected, 1e-5)


@pytest.mark.parametrize("name", slow_except(NAMES, ["concatenate", "matmul"]))
def test_symbolic_calls_with_an_unknown_number_of_rows(name):
    if name == "take_along_axis":  # of an array whose number of rows is known
        return
    for call in calls(name):
        try:
            known = call(cornu.Input(batch_shape=(2, 3), sparse=True))
            dense = call(cornu.Input((3,)))
        except ValueError:  # the other operand has another shape
            continue
        unknown = call(cornu.Input((3,), sparse=True))
        assert (unknown.shape, unknown.sparse) == (dense.shape, known.sparse)


def test_counts_of_sparse_arrays():
    x = BCOO((jnp.array([3, 1, 3]), jnp.array([[0, 1], [0, 2], [1, 0]])), shape=(2, 3))
    assert ops.bincount(x).todense().tolist() == [0, 1, 0, 2]
    weights = BCOO((jnp.array([0.5, 1, 2]), x.indices), shape=x.shape)
    assert ops.bincount(x, weights, minlength=5).todense().tolist() == [0, 1, 0, 2.5, 0]
    found = ops.bincount(np.array([[1, 1, 0], [2, 1, 1]]), sparse=True)
    assert found.todense().tolist() == [[1, 2, 0], [0, 2, 1]]
    with pytest.raises(ValueError, match="same indices"):
        ops.bincount(x, np.ones(3))


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_sparse_encodings_of_integers(axis):
    x = np.array([[0, 2, 2], [-1, 5, 1]])
    for name in ("one_hot", "multi_hot"):
        op = getattr(ops, name)
        found = op(x, 4, axis=axis, sparse=True)
        assert isinstance(found, BCOO)
        dense = op(x, 4, axis=axis)
        np.testing.assert_array_equal(found.todense(), dense)
        assert found.dtype == dense.dtype
        symbolic = op(cornu.Input(batch_shape=(2, 3), dtype="int32"), 4, axis=axis, sparse=True)
        assert symbolic.sparse
        assert symbolic.shape == dense.shape
    assert ops.multi_hot([1, 1], 3, sparse=True).todense().tolist() == [0, 1, 0]


def test_other_ops_say_how_to_convert_a_sparse_array():
    for call in (
        ops.sort,
        ops.cumsum,
        ops.flip,
        lambda x: ops.take(x, [0]),
        lambda x: ops.sort(scipy.sparse.csr_matrix(DENSE)),
    ):
        for x in (SPARSE, cornu.Input((3,), sparse=True)):
            with pytest.raises(TypeError, match=r"todense\(\)"):
                call(x)
