"""Convolutions, compared with Keras: values, gradients, symbolic shapes, both data formats."""

import keras
import numpy as np
import pytest

from cornu.core.graph.tensor import Tensor
from cornu.ops import nn
from tests.ops.against_keras import same, same_gradient, symbolic_like_concrete, takes_variables

rng = np.random.default_rng(0)


def draw(*shape):
    return rng.normal(size=shape).astype("float32")


LINE, PLANE, SPACE = draw(13, 9, 4), draw(13, 9, 8, 4), draw(13, 5, 6, 5, 4)

# (op, channels-last input, kernel(s), arguments)
CASES = [
    ("conv", LINE, [draw(3, 4, 5)], {}),
    ("conv", LINE, [draw(3, 4, 5)], {"padding": "same", "strides": 2}),
    ("conv", LINE, [draw(1, 4, 5)], {"strides": 2}),
    ("conv", PLANE, [draw(1, 1, 4, 5)], {}),
    ("conv", PLANE, [draw(3, 2, 4, 5)], {"padding": "SAME", "dilation_rate": (2, 1)}),
    ("conv", PLANE, [draw(3, 2, 2, 6)], {"strides": (2, 1)}),  # two groups
    ("conv", SPACE, [draw(2, 3, 2, 4, 5)], {"padding": "same"}),
    ("depthwise_conv", LINE, [draw(3, 4, 2)], {"padding": "same"}),
    ("depthwise_conv", PLANE, [draw(3, 3, 4, 2)], {"strides": 2}),
    ("depthwise_conv", PLANE, [draw(3, 3, 4, 1)], {"dilation_rate": 2, "padding": "same"}),
    ("separable_conv", LINE, [draw(3, 4, 2), draw(1, 8, 5)], {"strides": 2}),
    ("separable_conv", PLANE, [draw(3, 3, 4, 1), draw(1, 1, 4, 6)], {"padding": "same"}),
    ("conv_transpose", LINE, [draw(3, 5, 4)], {"strides": 2}),
    ("conv_transpose", LINE, [draw(2, 5, 4)], {"strides": 3}),
    ("conv_transpose", LINE, [draw(2, 5, 4)], {"strides": 3, "padding": "same"}),
    ("conv_transpose", LINE, [draw(3, 5, 4)], {"dilation_rate": 2, "padding": "same"}),
    (
        "conv_transpose",
        LINE,
        [draw(4, 5, 4)],
        {"strides": 3, "padding": "same", "output_padding": 1},
    ),
    ("conv_transpose", PLANE, [draw(3, 3, 5, 4)], {"strides": 2, "padding": "same"}),
    ("conv_transpose", PLANE, [draw(3, 2, 5, 4)], {"strides": (2, 3), "output_padding": (1, 2)}),
    ("conv_transpose", SPACE, [draw(2, 2, 2, 5, 4)], {"strides": 2}),
]
ids = [f"{i}-{case[0]}" for i, case in enumerate(CASES)]


@pytest.mark.parametrize(("name", "inputs", "kernels", "kwargs"), CASES, ids=ids)
def test_equal_to_keras(name, inputs, kernels, kwargs):
    ours, theirs = getattr(nn, name), getattr(keras.ops, name)
    (last,) = same(ours, theirs, inputs, *kernels, **kwargs)
    moved = np.moveaxis(inputs, -1, 1)
    first = ours(moved, *kernels, data_format="channels_first", **kwargs)
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), last, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(("name", "inputs", "kernels", "kwargs"), CASES, ids=ids)
def test_gradients_equal_to_keras(name, inputs, kernels, kwargs):
    ours, theirs = getattr(nn, name), getattr(keras.ops, name)
    same_gradient(ours, theirs, (inputs, *kernels), rtol=1e-4, atol=1e-4, **kwargs)


@pytest.mark.parametrize(("name", "inputs", "kernels", "kwargs"), CASES, ids=ids)
def test_symbolic_shape_is_concrete_shape(name, inputs, kernels, kwargs):
    op = getattr(nn, name)
    symbolic_like_concrete(op, inputs, *kernels, **kwargs)
    moved = np.moveaxis(inputs, -1, 1)
    symbolic_like_concrete(op, moved, *kernels, data_format="channels_first", **kwargs)


def test_unknown_spatial_sizes():
    x = Tensor((None, None, 8, 4))
    assert nn.conv(x, draw(3, 3, 4, 5), padding="same").shape == (None, None, 8, 5)
    assert nn.conv(x, draw(3, 3, 4, 5), strides=2).shape == (None, None, 3, 5)
    assert nn.conv_transpose(x, draw(3, 3, 5, 4), strides=2).shape == (None, None, 17, 5)


def test_gradients_in_channels_first():
    x, kernel = draw(3, 4, 7, 6), draw(3, 3, 4, 2)
    for name in ("conv", "depthwise_conv"):
        same_gradient(
            getattr(nn, name),
            getattr(keras.ops, name),
            (x, kernel),
            rtol=1e-4,
            atol=1e-4,
            data_format="channels_first",
        )


def test_inputs_take_the_dtype_of_the_kernel():
    y = nn.conv(LINE, draw(3, 4, 5).astype("float16"))
    assert y.dtype == "float16"
    takes_variables(nn.conv, LINE, draw(3, 4, 5))


def test_errors():
    with pytest.raises(ValueError, match="4 channels"):
        nn.conv(PLANE, draw(3, 3, 3, 5))
    with pytest.raises(ValueError, match="number of groups"):
        nn.conv(PLANE, draw(3, 3, 2, 5))
    with pytest.raises(ValueError, match="smaller than the kernel"):
        nn.conv(LINE, draw(11, 4, 5))
    with pytest.raises(ValueError, match="requires 3"):
        nn.depthwise_conv(PLANE, draw(3, 3, 3, 1))
    with pytest.raises(ValueError, match="requires 5"):
        nn.conv_transpose(PLANE, draw(3, 3, 4, 5))
    with pytest.raises(ValueError, match="4 axes"):
        nn.conv(PLANE, draw(3, 4, 5))
    with pytest.raises(ValueError, match="'causal'"):
        nn.conv(LINE, draw(3, 4, 5), padding="causal")
    with pytest.raises(ValueError, match="strides must be an integer or 1 integers"):
        nn.conv(LINE, draw(3, 4, 5), strides=(1, 2))
    with pytest.raises(ValueError, match="spatial axis"):
        nn.conv(LINE[0], draw(3, 4, 5))
    with pytest.raises(ValueError, match="data_format"):
        nn.conv(LINE, draw(3, 4, 5), data_format="last")


@pytest.mark.parametrize("dtype, bound", [("float16", 1e-3), ("bfloat16", 8e-3)])
def test_sums_of_few_digits_lose_none_on_the_way(dtype, bound):
    rng = np.random.default_rng(0)
    x, kernel = rng.normal(size=(2, 30, 9, 5)), rng.normal(size=(5, 5, 5, 2))
    x, kernel = (np.abs(array).astype(dtype) for array in (x, kernel))
    exact = np.asarray(nn.depthwise_conv(x.astype("float32"), kernel.astype("float32")))
    found = np.asarray(nn.depthwise_conv(x, kernel), "float32")
    assert np.abs(found / exact - 1).max() < bound
    exact = np.asarray(nn.average_pool(x.astype("float32"), 5))
    found = np.asarray(nn.average_pool(x, 5), "float32")
    assert np.abs(found / exact - 1).max() < bound
