"""Merging: shapes that do not fit, function forms, symbolic masks."""

import keras
import numpy as np
import pytest

import cornu
from cornu.core.graph.graph import Graph
from cornu.layers import Add, Concatenate, Dot, Embedding, Input, Maximum, Multiply, Subtract

PAIR = [np.array([[1.0, 5.0]], "float32"), np.array([[4.0, 2.0]], "float32")]


@pytest.mark.parametrize(
    "name",
    ["add", "subtract", "multiply", "average", "maximum", "minimum", "concatenate", "dot"],
)
def test_function_forms(name):
    ours, theirs = (getattr(k.layers, name) for k in (cornu, keras))
    np.testing.assert_allclose(ours(PAIR), theirs(PAIR), rtol=1e-6)
    assert ours([Input((2,)), Input((2,))], name="merged").node.op.name == "merged"


def test_unknown_sizes():
    time = Input((None, 3))
    assert Add()([time, Input((1, 3))]).shape == (None, None, 3)
    assert Concatenate(axis=1)([time, Input((4, 3))]).shape == (None, None, 3)
    assert Dot(2)([time, Input((4, 3))]).shape == (None, None, 4)


def test_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match=r"equal shapes.*\(None, 3\), \(None, 4\)"):
        Add()([Input((3,)), Input((4,))])
    with pytest.raises(ValueError, match="equal shapes"):
        Multiply()([np.zeros((2, 3), "float32"), np.zeros((3, 3), "float32")])
    with pytest.raises(ValueError, match="equal shapes except along axis -1"):
        Concatenate()([Input((3, 2)), Input((4, 2))])
    with pytest.raises(ValueError, match="equal shapes except along axis 1"):
        Concatenate(1)([Input((3, 2)), Input((3,))])
    with pytest.raises(ValueError, match="equal shapes except along axis 3"):
        Concatenate(3)([Input((3, 2)), Input((3, 2))])
    with pytest.raises(ValueError, match="sizes along axes=1 differ: 3 and 4"):
        Dot(1)([Input((3,)), Input((4,))])
    with pytest.raises(ValueError, match="not the batch"):
        Dot(0)([Input((3,)), Input((3,))])
    with pytest.raises(ValueError, match="not the batch"):
        Dot((1, 2))([Input((3,)), Input((3,))])


def test_not_a_list():
    for layer in (Add(), Concatenate(), Dot(1)):
        with pytest.raises(ValueError, match="expected a list of arrays"):
            layer(Input((3,)))
    for layer in (Subtract(), Dot(1)):
        with pytest.raises(ValueError, match="expected a list of two arrays, received 3"):
            layer([Input((3,))] * 3)


def test_axes_of_dot():
    for axes in ((1, 2, 3), (1.0, 1), "1"):
        with pytest.raises(ValueError, match="axes must be an integer or a pair of integers"):
            Dot(axes)


@pytest.mark.parametrize("cls", [Add, Multiply, Maximum, Concatenate])
def test_masks_pass_through_a_functional_graph(cls):
    ids = [Input((3,), dtype="int32") for _ in range(2)]
    rows = np.array([[1, 0, 2], [0, 0, 1]]), np.array([[1, 1, 0], [0, 2, 0]])
    symbolic = [Embedding(3, 2, "ones", mask_zero=True)(x) for x in ids]
    y = cls()(symbolic)
    assert y.mask.shape == (None, 3)
    values, mask = Graph(ids, [y, y.mask]).run([np.asarray(r) for r in rows])

    theirs = [keras.layers.Embedding(3, 2, "ones", mask_zero=True)(r) for r in rows]
    expected = getattr(keras.layers, cls.__name__)()(theirs)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_array_equal(mask, expected._keras_mask)


def test_concatenating_the_batch_mixes_rows():
    x = Input((2,))
    for axis, rowwise in [(-1, True), (1, True), (0, False), (-2, False)]:
        layer = Concatenate(axis)
        y = layer([x, x])
        assert layer._rowwise_ is rowwise, axis
    rows = np.arange(6, dtype="float32").reshape(3, 2)
    predicted = cornu.Model(x, y).predict(rows, batch_size=2, verbose=0)
    np.testing.assert_array_equal(predicted, rows[[0, 1, 0, 1, 2, 2]])
