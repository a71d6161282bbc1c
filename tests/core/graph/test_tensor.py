"""Symbolic Tensors: shapes, operators, what they refuse."""

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import ops
from cornu.core.graph.graph import Graph
from cornu.core.graph.tensor import Tensor


def run(inputs, outputs, *values):
    return Graph(inputs, outputs).run([jnp.asarray(v) for v in values])


def test_operators_draw_and_compute():
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


def test_a_shape_error_says_where_and_what():
    x, w = Tensor((None, 3)), Tensor((4, 2))
    with pytest.raises(
        ValueError, match=r"matmul .*\(at .*test_tensor.py:\d+\).*\(None, 3\), \(4, 2\)"
    ):
        x @ w


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (bool, "no truth value"),
        (float, "it is symbolic"),
        (np.asarray, "cannot be converted to a NumPy array"),
        (list, "cannot be iterated over"),
        (jnp.sin, "Tensor"),
    ],
)
def test_a_symbolic_tensor_has_no_numbers(use, words):
    with pytest.raises(TypeError, match=words):
        use(Tensor((None, 3)))


def test_a_disconnected_graph_names_the_input():
    a, b = cornu.Input((2,), name="a"), cornu.Input((2,), name="b")
    with pytest.raises(ValueError, match="depend on Input 'b'"):
        Graph([a], [a + b])


def test_an_intermediate_tensor_may_be_an_input():
    x = cornu.Input((2,))
    middle = x * 3
    assert run([middle], [middle + 1], [[1.0, 2.0]])[0].tolist() == [[2.0, 3.0]]
