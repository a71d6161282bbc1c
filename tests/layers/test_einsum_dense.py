"""EinsumDense: shapes of the weights for equations and shapes."""

import keras
import numpy as np
import pytest

from cornu.layers import EinsumDense, Input
from tests.sampling import slow_except

# equation, output_shape, bias_axes, input shape
EQUATIONS = [
    ("ab,bc->ac", 5, "c", (2, 4)),
    ("ab,cb->ac", 5, None, (2, 4)),
    ("abc,cde->abde", (None, 3, 4), "de", (2, 3, 5)),
    ("abc,cde->abde", (None, 3, 4), "e", (2, 3, 5)),
    ("abc,cde->abde", (3, 3, 4), "be", (2, 3, 5)),
    ("abde,dec->abc", (None, 6), "c", (2, 3, 4, 5)),
    ("abc,bd->adc", (6, None), "d", (2, 3, 4)),
    ("...x,xy->...y", 5, "y", (2, 4)),
    ("...x,xy->...y", 5, "y", (2, 3, 3, 4)),
    ("...xy,yz->...xz", (None, 5), "z", (2, 3, 6, 4)),
    ("ab...,bc->ac...", 5, "c", (2, 4, 3, 3)),
    ("abc...,cde->abde...", (3, 5, 6), "bd", (2, 3, 4, 7)),
]


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape"), slow_except(EQUATIONS, 4)
)
def test_weights_have_the_shapes_of_keras(equation, output_shape, bias_axes, shape):
    layer = EinsumDense(equation, output_shape, bias_axes=bias_axes)
    theirs = keras.layers.EinsumDense(equation, output_shape, bias_axes=bias_axes)
    layer.build(shape)
    theirs.build(shape)
    assert [v.shape for v in layer.weights] == [tuple(v.shape) for v in theirs.weights]


def test_sizes_known_from_the_input_need_not_be_repeated():
    layer = EinsumDense("abc,bcd->abd", (None, 5), bias_axes="bd")
    assert layer(Input((3, 4))).shape == (None, 3, 5)
    assert layer.kernel.shape == (3, 4, 5) and layer.bias.shape == (3, 5)


def test_glorot_counts_the_axes_that_are_summed_over():
    # 64 inputs and 4 * 16 outputs, whatever the last two axes are.
    layer = EinsumDense("btd,dhk->bthk", (None, 4, 16))
    layer.build((None, 10, 64))
    assert layer.kernel.numpy().std() == pytest.approx((2 / (64 + 64)) ** 0.5, rel=0.05)


def test_time_may_be_unknown():
    layer = EinsumDense("btd,dhk->bthk", (None, 4, 8), bias_axes="hk")
    assert layer(Input((None, 6))).shape == (None, None, 4, 8)
    assert layer(np.zeros((2, 3, 6), "float32")).shape == (2, 3, 4, 8)


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape", "message"),
    [
        ("ab-bc>ac", 5, None, (2, 4), "must look like 'ab,bc->ac'"),
        ("...a...,ab->...b", 5, None, (2, 4), "must look like 'ab,bc->ac'"),
        ("...a,ab->b...", 5, None, (2, 4), "same end of the input and of the output"),
        ("ab,bc->acd", (5, 5), None, (2, 4), "has the axis 'd'"),
        ("ab,bcd->ac", 5, None, (2, 4), "kernel needs the size of axis 'd'"),
        ("ab,bc->ac", (5, 5), None, (2, 4), "has 2 sizes; .* has 1 axis"),
        ("ab,bc->ac", 5, "d", (2, 4), "bias_axes='d' has 'd'"),
        ("abc,cd->abd", (4, 5), None, (2, 3, 4), "axis 'b' .* size 3 in the .* and 4 in"),
        ("abc,cd->abd", (None, 5), None, (2, 4), "does not fit an input with 2 axes"),
        ("ab,bc->ac", 5, None, (None, None), "kernel needs the size of axis 'b'"),
        ("abc,cd->abd", (None, 5), "bd", (2, None, 4), "bias needs the size of axis 'b'"),
    ],
)
def test_contradictions_are_reported(equation, output_shape, bias_axes, shape, message):
    with pytest.raises(ValueError, match=f"EinsumDense layer 'einsum_dense': .*{message}"):
        EinsumDense(equation, output_shape, bias_axes=bias_axes).build(shape)
