"""Symbolic Tensors: shapes, operators, unsupported uses."""

import operator

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor
from cornu.core.state.variable import Variable


def run(inputs, outputs, *values):
    return Graph(inputs, outputs).run([jnp.asarray(v) for v in values])


def test_operators_work_symbolically_and_eagerly():
    x, w = Tensor((None, 3)), Tensor((3, 2))
    y = (x * 2 + 1) @ w
    z = 1 / (y - 0.5) ** 2
    kept = ops.where(y > 0, z, -y)[:, 0:1]
    assert kept.shape == (None, 1)
    a, b = np.arange(6.0).reshape(2, 3), np.ones((3, 2))
    out = run([x, w], [kept], a, b)[0]
    product = (a * 2 + 1) @ b
    assert np.allclose(out, (1 / (product - 0.5) ** 2)[:, :1])


def test_indexing_slicing_and_none():
    x = Tensor((None, 4, 5))
    picked = [x[:, 0], x[..., 1:3], x[:, None], x[:, ::2, -1]]
    assert [t.shape for t in picked] == [(None, 5), (None, 4, 2), (None, 1, 4, 5), (None, 2)]
    value = np.arange(40.0).reshape(2, 4, 5)
    outs = run([x], picked, value)
    expected = [value[:, 0], value[..., 1:3], value[:, None], value[:, ::2, -1]]
    assert all(np.array_equal(a, b) for a, b in zip(outs, expected, strict=True))


def test_unknown_sizes_follow_through_attention_and_unet():
    x = Tensor((None, None, 8))
    scores = ops.softmax(ops.matmul(x, ops.transpose(x, (0, 2, 1))))
    assert ops.matmul(scores, x).shape == (None, None, 8)
    image = Tensor((None, None, None, 3))
    small = cornu.layers.MaxPooling2D()(image)
    back = cornu.layers.UpSampling2D()(small)
    assert cornu.layers.Concatenate()([image, back]).shape == (None, None, None, 6)


def test_an_unknown_size_may_be_that_of_another_tensor():
    x, y = Tensor((None, None)), Tensor((None, 4))
    assert (x + y).shape == (None, 4)
    assert cornu.layers.Multiply()([x, y]).shape == (None, 4)


def test_any_jax_function_becomes_an_op():
    hypot = cornu.op(lambda a, b: jnp.sqrt(a * a + b * b), name="hypot")
    x, y = Tensor((None, 2)), Tensor((None, 2))
    z = hypot(x, y)
    assert z.node.name == "hypot" and z.shape == (None, 2)
    assert run([x, y], [z], [[3.0, 5.0]], [[4.0, 12.0]])[0].tolist() == [[5.0, 13.0]]


def test_a_shape_error_has_a_location_and_the_shapes():
    x, w = Tensor((None, 3)), Tensor((4, 2))
    with pytest.raises(
        ValueError, match=r"matmul .*\(at .*test_tensor.py:\d+\).*\(None, 3\), \(4, 2\)"
    ):
        x @ w


@pytest.mark.parametrize(
    ("use", "message"),
    [
        (bool, "no truth value"),
        (float, "it is symbolic"),
        (np.asarray, "cannot be converted to a NumPy array"),
        (list, "cannot be iterated over"),
        (len, "has no length"),
    ],
)
def test_a_symbolic_tensor_has_no_numbers(use, message):
    with pytest.raises(TypeError, match=message):
        use(Tensor((None, 3)))


def test_a_disconnected_graph_names_the_input():
    a, b = cornu.Input((2,), name="a"), cornu.Input((2,), name="b")
    with pytest.raises(ValueError, match="depend on Input 'b'"):
        Graph([a], [a + b])


def test_an_intermediate_tensor_may_be_an_input():
    x = cornu.Input((2,))
    middle = x * 3
    assert run([middle], [middle + 1], [[1.0, 2.0]])[0].tolist() == [[2.0, 3.0]]


BINARY = "add sub mul truediv floordiv mod pow lt le gt ge eq ne and_ or_ xor".split()


@pytest.mark.slow
def test_every_operator_with_every_kind_of_operand():
    """Of Tensors and Variables, from both sides, as NumPy computes it."""
    value = np.array([[1, 2, 3], [4, 5, 6]], "float32")
    x, v = Tensor((None, 3)), Variable(value)
    others = [2, 2.5, True, [1, 2, 4], np.array([1, 2, 4], "float32"), np.float32(2), Variable(2.0)]
    outputs, expected = [], []
    for name in BINARY:
        function = getattr(operator, name)
        logical = {"and_": np.logical_and, "or_": np.logical_or, "xor": np.logical_xor}
        for other in [*others, x]:
            number = value if other is x else np.asarray(other)
            pairs = [(x, other, value, number)]
            # A comparison has no reflected method: Python calls the list or array.
            if name in ("add", "sub", "mul", "truediv", "pow", "mod", *logical):
                pairs.append((other, x, number, value))
            for a, b, left, right in pairs:
                outputs.append(function(a, b))
                expected.append(logical.get(name, function)(left, right))
            eager = function(v, v if other is x else other)
            assert np.allclose(eager, expected[-len(pairs)]), (name, other)
    outputs += [-x, abs(x), ~x, round(x), round(x * 0.123, 1), x @ value.T]
    outputs.append(np.eye(3, dtype="float32") @ x[:, :, None])
    expected += [-value, value, value == 0, value, np.round(value * 0.123, 1)]
    expected += [value @ value.T, value[:, :, None]]
    results = run([x], outputs, value)
    assert +x is x
    for result, right in zip(results, expected, strict=True):
        assert result.dtype.kind == np.asarray(right).dtype.kind or result.dtype.kind == "f"
        assert np.allclose(result, right, atol=1e-6)
    assert [a.tolist() for a in (+v, abs(v), -v)] == [a.tolist() for a in (value, value, -value)]


@pytest.mark.parametrize("key", [(0, 4), (0, -5), (..., 5), (..., None, 0, -6), [0, 4], (0, 1, 5)])
def test_an_index_out_of_bounds_is_rejected(key):
    value = np.zeros((2, 4, 5))
    for x in (Tensor((None, 4, 5)), Variable(value)):
        with pytest.raises(IndexError, match=r"index -?\d is out of bounds for axis [12]"):
            x[key]
    with pytest.raises(IndexError, match="out of bounds"):
        ops.get_item(value, key)


def test_tensors_have_the_methods_and_attributes_of_keras():
    x = Tensor((None, 1, 4), "int32")
    assert x.reshape((-1, 2, 2)).shape == (None, 2, 2)
    assert x.squeeze(1).shape == x.squeeze((1,)).shape == x.squeeze().shape == (None, 4)
    assert x.sparse is x.ragged is False and x.ragged_rank is x.row_splits_dtype is None
    model = cornu.Model(x, x.squeeze(1).reshape((-1, 2, 2)))
    again = cornu.Model.from_config(model.get_config())
    assert again(np.arange(8).reshape(2, 1, 4)).tolist() == [[[0, 1], [2, 3]], [[4, 5], [6, 7]]]


def test_a_list_of_tensors_is_searched_by_identity():
    x, y, z = Tensor((None, 3)), Tensor((None, 3)), Tensor((4, 1))
    assert x in [y, x] and x not in [y, z] and [y, z, x].index(x) == 2
    assert [x, y] == [x, y] and [x, y] != [y, x]
    for comparison in (x == 0.0, x != y, x < y):
        with pytest.raises(TypeError, match="no truth value"):
            bool(comparison)
