"""Normalization within rows: cases outside the conformance table."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cornu
from cornu import layers


def test_axes_may_be_given_in_any_order_and_from_either_end():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    expected = layers.LayerNormalization(axis=(1, 2))(x)
    for axis in ((2, 1), [-2, -1], (-1, 1)):
        layer = layers.LayerNormalization(axis=axis)
        np.testing.assert_allclose(layer(x), expected, rtol=1e-6)
        assert layer.gamma.shape == (3, 4)


def test_group_normalization_in_both_data_formats():
    x = np.random.default_rng(0).normal(size=(2, 4, 3, 6)).astype("float32")
    last = layers.GroupNormalization(3)(x)
    for axis in (1, -3):
        first = layers.GroupNormalization(3, axis=axis)(np.moveaxis(x, -1, 1))
        np.testing.assert_allclose(np.moveaxis(first, 1, -1), last, rtol=1e-5, atol=1e-6)


def test_rms_normalization_over_axes_is_that_of_keras():
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    np.testing.assert_allclose(
        layers.RMSNormalization(axis=(1, 2))(x),
        keras.layers.RMSNormalization(axis=(1, 2))(x),
        rtol=1e-5,
    )


def test_rms_scaling_is_deprecated_and_that_of_keras():
    x = np.random.default_rng(0).normal(size=(2, 4)).astype("float32")
    layer = layers.LayerNormalization(rms_scaling=True)
    with pytest.warns(UserWarning, match="rms_normalization"):
        outputs = layer(x)
    with pytest.warns(UserWarning):
        expected = keras.layers.LayerNormalization(rms_scaling=True)(x)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    assert [v.name for v in layer.weights] == ["gamma"]
    config = keras.layers.LayerNormalization(axis=[1, 2], name="n").get_config()
    assert layers.LayerNormalization.from_config(config).axis == [1, 2]


def test_normalizing_over_the_batch_is_not_rowwise():
    x = np.ones((2, 3), "float32")
    for layer in (layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization):
        inside, across = layer(axis=-1), layer(axis=(0, 1))
        inside(x), across(x)
        assert (inside._rowwise_, across._rowwise_) == (True, False)


def test_zero_has_a_finite_unit_normalization():
    assert layers.UnitNormalization()(np.zeros((1, 3), "float32")).tolist() == [[0.0, 0.0, 0.0]]


def test_full_precision_inside_short_policies():
    x = np.array([[1000.0, 1000.5, 1001.0, 1001.5]], "float32")
    expected = layers.LayerNormalization()(x)
    short = layers.LayerNormalization(dtype="mixed_bfloat16")(x)
    assert short.dtype == "bfloat16"
    np.testing.assert_allclose(short.astype("float32"), expected, rtol=1e-2)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: layers.LayerNormalization(axis="last"), TypeError, "`axis` must be an integer"),
        (
            lambda: layers.LayerNormalization(3)(np.ones((2, 3))),
            ValueError,
            "axis 3 is out of bounds",
        ),
        (lambda: layers.LayerNormalization()(cornu.Input((None,))), ValueError, "must be known"),
        (lambda: layers.GroupNormalization(0), ValueError, "groups must be a positive integer"),
        (lambda: layers.GroupNormalization(4)(np.ones((2, 6))), ValueError, "must divide"),
        (lambda: layers.GroupNormalization(8)(np.ones((2, 6))), ValueError, "must divide"),
    ],
)
def test_errors_name_the_cause(make, error, message):
    with pytest.raises(error, match=message):
        make()
