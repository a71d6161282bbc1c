"""What all layers with spatial axes share: data formats, ranks, constructor arguments, errors."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

import cornu
from cornu import layers, settings

# Layer, input shape (channels last), constructor arguments.
_FORMATS = [
    (layers.Conv1D, (2, 7, 3), {"filters": 4, "kernel_size": 3, "padding": "causal"}),
    (layers.Conv2D, (2, 5, 6, 4), {"filters": 4, "kernel_size": (3, 2), "groups": 2}),
    (layers.Conv3D, (1, 3, 4, 3, 2), {"filters": 3, "kernel_size": 2, "padding": "same"}),
    (layers.Conv1DTranspose, (2, 4, 3), {"filters": 2, "kernel_size": 3, "strides": 2}),
    (layers.Conv2DTranspose, (2, 3, 4, 3), {"filters": 2, "kernel_size": 3, "padding": "same"}),
    (layers.Conv3DTranspose, (1, 2, 3, 2, 2), {"filters": 2, "kernel_size": 2}),
    (layers.DepthwiseConv1D, (2, 6, 3), {"kernel_size": 3, "depth_multiplier": 2}),
    (layers.DepthwiseConv2D, (2, 5, 6, 3), {"kernel_size": 3, "strides": 2}),
    (layers.SeparableConv1D, (2, 6, 3), {"filters": 4, "kernel_size": 3}),
    (layers.SeparableConv2D, (2, 5, 6, 3), {"filters": 4, "kernel_size": 3}),
    (layers.MaxPooling1D, (2, 6, 3), {}),
    (layers.MaxPooling2D, (2, 5, 6, 3), {"padding": "same"}),
    (layers.AveragePooling2D, (2, 5, 6, 3), {"pool_size": (2, 3)}),
    (layers.AveragePooling3D, (1, 4, 3, 4, 2), {"pool_size": 2}),
    (layers.AdaptiveAveragePooling2D, (2, 5, 6, 3), {"output_size": (2, 3)}),
    (layers.AdaptiveMaxPooling1D, (2, 6, 3), {"output_size": 4}),
    (layers.ZeroPadding1D, (2, 6, 3), {"padding": (1, 2)}),
    (layers.ZeroPadding2D, (2, 5, 6, 3), {"padding": ((1, 0), (0, 2))}),
    (layers.Cropping2D, (2, 5, 6, 3), {"cropping": ((1, 0), (0, 2))}),
    (layers.Cropping3D, (1, 4, 5, 4, 2), {"cropping": (1, 2, 1)}),
    (layers.UpSampling2D, (2, 3, 4, 3), {"size": (2, 1)}),
    (layers.UpSampling2D, (2, 3, 4, 3), {"interpolation": "bilinear"}),
    (layers.UpSampling3D, (1, 2, 3, 2, 3), {"size": (1, 2, 1)}),
]


def _formats():
    """The first case of each file of the library always runs."""
    seen, parameters = set(), []
    for layer, *rest in _FORMATS:
        marks = [pytest.mark.slow] if layer.__module__ in seen else []
        seen.add(layer.__module__)
        parameters.append(pytest.param(layer, *rest, marks=marks))
    return parameters


@pytest.mark.parametrize(("layer", "shape", "arguments"), _formats())
def test_both_data_formats_agree(layer, shape, arguments):
    x = np.random.default_rng(0).normal(size=shape).astype("float32")
    last, first = (
        layer(**arguments, data_format=data_format)
        for data_format in ("channels_last", "channels_first")
    )
    y = last(x)
    moved = np.moveaxis(x, -1, 1)
    first.build(moved.shape)
    first.set_weights(last.get_weights())
    np.testing.assert_allclose(np.moveaxis(first(moved), 1, -1), y, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("kind", ["Max", "Average"])
def test_global_pooling_in_both_data_formats(kind, keepdims):
    for rank in (1, 2, 3):
        layer = getattr(layers, f"Global{kind}Pooling{rank}D")
        x = np.random.default_rng(0).normal(size=(2, 3, 4, 5)[: rank + 1] + (6,)).astype("float32")
        last = layer(keepdims=keepdims)(x)
        moved = np.moveaxis(x, -1, 1)
        first = layer(data_format="channels_first", keepdims=keepdims)(moved)
        np.testing.assert_allclose(np.reshape(first, (2, 6)), np.reshape(last, (2, 6)), rtol=1e-5)
        assert first.ndim == last.ndim == (rank + 2 if keepdims else 2)


def test_the_data_format_at_construction_is_used():
    symbolic = layers.Conv2D(4, 3)(cornu.Input((8, 6, 5)))
    assert symbolic.shape == (None, 6, 4, 4)
    settings.put("image_data_format", "channels_first")
    try:
        layer = layers.Conv2D(4, 3)
        assert layer(cornu.Input((8, 6, 5))).shape == (None, 4, 4, 3)
    finally:
        settings.put("image_data_format", "channels_last")
    assert layer(cornu.Input((8, 6, 5))).shape == (None, 4, 4, 3)
    assert layer.get_config()["data_format"] == "channels_first"
    assert "data_format" not in layers.Cropping1D().get_config()


def test_ranks_have_their_own_defaults():
    def default(layer, name):
        return inspect.signature(layer).parameters[name].default

    assert [default(la, "strides") for la in (layers.Conv1D, layers.Conv2D, layers.Conv3D)] == [
        1,
        (1, 1),
        (1, 1, 1),
    ]
    assert default(layers.MaxPooling3D, "pool_size") == (2, 2, 2)
    assert default(layers.AveragePooling2D, "pool_size") is inspect.Parameter.empty
    assert layers.Cropping2D().cropping == ((0, 0), (0, 0))
    assert layers.Cropping3D().cropping == ((1, 1), (1, 1), (1, 1))
    assert list(inspect.signature(layers.Conv3DTranspose).parameters)[4:6] == [
        "data_format",
        "output_padding",
    ]


def test_attributes_are_those_of_keras():
    conv = layers.Conv2D(4, 3, padding="SAME")
    assert (conv.kernel_size, conv.strides, conv.padding) == ((3, 3), (1, 1), "same")
    assert layers.MaxPooling1D(3).strides == (3,)
    assert layers.ZeroPadding1D(2).padding == (2, 2)
    assert layers.ZeroPadding2D((1, 2)).padding == ((1, 1), (2, 2))
    assert layers.UpSampling1D(3).size == 3
    assert layers.UpSampling2D(3).size == (3, 3)
    conv.build((None, 8, 8, 3))
    assert [(v.name, v.shape) for v in conv.weights] == [
        ("kernel", (3, 3, 3, 4)),
        ("bias", (4,)),
    ]
    separable = layers.SeparableConv2D(5, 3, depth_multiplier=2)
    separable.build((None, 8, 8, 3))
    assert [(v.name, v.shape) for v in separable.weights] == [
        ("depthwise_kernel", (3, 3, 3, 2)),
        ("pointwise_kernel", (1, 1, 6, 5)),
        ("bias", (5,)),
    ]


def test_unknown_spatial_sizes():
    x = cornu.Input((None, None, 3))
    assert layers.Conv2D(4, 3, strides=2, padding="same")(x).shape == (None, None, None, 4)
    assert layers.MaxPooling2D()(x).shape == (None, None, None, 3)
    assert layers.UpSampling2D(interpolation="bilinear")(x).shape == (None, None, None, 3)
    assert layers.Conv2DTranspose(4, 3, strides=2)(x).shape == (None, None, None, 4)
    assert layers.Cropping2D(1)(x).shape == (None, None, None, 3)
    assert layers.GroupNormalization(3)(x).shape == (None, None, None, 3)
    assert layers.GlobalAveragePooling2D()(x).shape == (None, 3)


def test_a_program_may_transform_the_kernel():
    class Doubled(layers.Conv1D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, 2 * kernel)

    x = np.ones((1, 4, 2), "float32")
    layer = Doubled(1, 2, padding="causal", kernel_initializer="ones")
    assert layer(x)[0, :, 0].tolist() == [4, 8, 8, 8]


def test_an_overridden_call_is_not_assumed_rowwise():
    class Mixed(layers.Conv1D):
        def call(self, inputs):
            return super().call(inputs[::-1])

    assert not Mixed._infers_by_config_
    assert Mixed._rowwise_ is None
    assert layers.Conv1D._rowwise_


_ERRORS = [
    (lambda: layers.Conv2D(0, 3), ValueError, "filters must be a positive integer"),
    (lambda: layers.Conv2D(4, 0), ValueError, "`kernel_size` must be an integer of at least 1"),
    (lambda: layers.Conv2D(4, (3, 3, 3)), ValueError, "or 2 of them"),
    (lambda: layers.Conv2D(4, 3, strides=1.5), ValueError, "`strides`"),
    (lambda: layers.Conv2D(4, 3, padding="causal"), ValueError, "unknown `padding` 'causal'"),
    (lambda: layers.Conv2D(4, 3, padding="sane"), ValueError, "Did you mean 'same'"),
    (lambda: layers.Conv2D(4, 3, groups=3), ValueError, "`filters` must be divisible by `groups`"),
    (lambda: layers.Conv2D(4, 3, groups=0), ValueError, "groups must be a positive integer"),
    (lambda: layers.Conv2D(4, 3, strides=2, dilation_rate=2), ValueError, "cannot both be greater"),
    (
        lambda: layers.Conv2D(4, 3, groups=2)(np.ones((1, 5, 5, 3), "float32")),
        ValueError,
        "divisible by `groups`.*3 channels",
    ),
    (lambda: layers.Conv2D(4, 3)(np.ones((1, 5, 5), "float32")), ValueError, "expected 4 axes"),
    (lambda: layers.Conv2D(4, 3)(cornu.Input((5, 5, None))), ValueError, "axis -1 must be known"),
    (lambda: layers.Conv2D(4, 3)(np.ones((1, 2, 5, 3), "float32")), ValueError, "no output"),
    (
        lambda: layers.Conv2DTranspose(4, 3, strides=2, output_padding=2),
        ValueError,
        "`output_padding` must be less than `strides`",
    ),
    (
        lambda: layers.Conv1DTranspose(4, 3, strides=2, dilation_rate=2),
        ValueError,
        "cannot both be greater",
    ),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=0), ValueError, "depth_multiplier must be"),
    (
        lambda: layers.MaxPooling2D(3)(np.ones((1, 2, 5, 3), "float32")),
        ValueError,
        "must be at least \\(3, 3\\)",
    ),
    (lambda: layers.MaxPooling2D(padding="causal"), ValueError, "unknown `padding`"),
    (lambda: layers.AdaptiveMaxPooling2D("3"), TypeError, "`output_size` must be an integer or 2"),
    (lambda: layers.AdaptiveMaxPooling2D((3, 3, 3)), ValueError, "`output_size`"),
    (lambda: layers.ZeroPadding2D((1, 2, 3)), ValueError, "2 pairs"),
    (lambda: layers.ZeroPadding1D(-1), ValueError, "at least 0"),
    (
        lambda: layers.Cropping2D(2)(np.ones((1, 4, 5, 3), "float32")),
        ValueError,
        "must be at least \\(5, 5\\)",
    ),
    (lambda: layers.Cropping2D(-1), ValueError, "at least 0"),
    (lambda: layers.UpSampling1D((2,)), TypeError, "`size` must be an integer"),
    (lambda: layers.UpSampling1D(0), ValueError, "at least 1"),
    (lambda: layers.UpSampling2D(interpolation="linear"), ValueError, "Did you mean 'bilinear'"),
    (lambda: layers.Conv2D(4, 3, data_format="last"), ValueError, "data_format must be"),
]


@pytest.mark.parametrize(("make", "error", "message"), _ERRORS)
def test_errors_name_the_cause(make, error, message):
    with pytest.raises(error, match=message):
        make()
