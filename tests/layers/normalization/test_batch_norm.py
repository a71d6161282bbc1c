"""BatchNormalization: its averages, its frozen state, masks, and rows that are padding."""

from __future__ import annotations

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import cornu
from cornu.core.state import scope
from tests.sampling import slow_except


def _batches(*shape, count=3):
    rng = np.random.default_rng(0)
    return [(rng.normal(size=shape) * 2 + 1).astype("float32") for _ in range(count)]


@pytest.mark.parametrize("options", [{}, {"renorm": True, "renorm_momentum": 0.8}])
def test_averages_follow_like_those_of_keras(options):
    ours = cornu.layers.BatchNormalization(momentum=0.7, **options)
    theirs = keras.layers.BatchNormalization(momentum=0.7, **options)
    for x in _batches(4, 3, 2):
        np.testing.assert_allclose(
            ours(x, training=True), theirs(x, training=True), rtol=1e-4, atol=1e-5
        )
    assert [v.name for v in ours.weights] == [v.name for v in theirs.weights]
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(mine.value, other.value, rtol=1e-5, atol=1e-6)
    x = _batches(2, 3, 2)[0]
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)


def test_averages_with_masks_are_those_of_keras():
    ours, theirs = cornu.layers.BatchNormalization(), keras.layers.BatchNormalization()
    mask = np.random.default_rng(1).random((4, 3)) > 0.4
    for x in _batches(4, 3, 2):
        ours(x, training=True, mask=mask), theirs(x, training=True, mask=mask)
    for mine, other in zip(ours.weights, theirs.weights, strict=True):
        np.testing.assert_allclose(mine.value, other.value, rtol=1e-5, atol=1e-6)


def test_nothing_unmasked_gives_no_nan():
    layer = cornu.layers.BatchNormalization()
    y = layer(np.ones((2, 3, 2), "float32"), training=True, mask=np.zeros((2, 3), bool))
    assert np.isfinite(y).all()
    assert np.isfinite(layer.moving_variance.numpy()).all()


def test_inference_and_frozen_layers_use_the_averages_and_keep_them():
    x = _batches(5, 3)[0]
    layer = cornu.layers.BatchNormalization(
        moving_mean_initializer="ones", gamma_initializer="ones", epsilon=0.0
    )
    expected = x - 1
    np.testing.assert_allclose(layer(x), expected, rtol=1e-6, atol=1e-6)
    layer.trainable = False
    np.testing.assert_allclose(layer(x, training=True), expected, rtol=1e-6, atol=1e-6)
    assert layer.moving_mean.numpy().tolist() == [1, 1, 1]
    assert layer.trainable_variables == []
    layer.trainable = True
    assert not np.allclose(layer(x, training=True), expected)
    assert layer.moving_mean.numpy().tolist() != [1, 1, 1]


@pytest.mark.parametrize(
    ("options", "mask"),
    slow_except(
        [
            ({}, True),
            ({"axis": 1}, False),
            ({}, False),
            ({"axis": 1}, True),
            ({"renorm": True}, False),
            ({"renorm": True}, True),
        ],
        2,
    ),
)
def test_padding_rows_do_not_count(options, mask):
    x = _batches(5, 3, 3)[0]
    kept = np.random.default_rng(2).random((5, 3)) > 0.3 if mask else None
    alone = cornu.layers.BatchNormalization(momentum=0.5, **options)
    expected = alone(x, training=True, mask=kept)

    padded = np.concatenate([x, np.full((3, 3, 3), np.nan, "float32")])
    mask = None if kept is None else np.concatenate([kept, np.ones((3, 3), bool)])
    layer = cornu.layers.BatchNormalization(momentum=0.5, **options)
    layer.build(x.shape)

    def step(values):
        scope.current().row_mask = jnp.array([1.0] * 5 + [0.0] * 3)
        return layer(values, training=True, mask=mask)

    y, new, _ = scope.pure(step, layer.variables)([v.value for v in layer.variables], None, padded)
    np.testing.assert_allclose(y[:5], expected, rtol=1e-5, atol=1e-6)
    for ours, value in zip(new, alone.variables, strict=True):
        np.testing.assert_allclose(ours, value.numpy(), rtol=1e-6, atol=1e-6)


def test_averages_of_a_compiled_step_are_those_of_a_call():
    x = _batches(4, 3)[0]
    layer = cornu.layers.BatchNormalization()
    layer.build(x.shape)

    def loss():
        return jnp.sum(layer(x, training=True) ** 3)

    _, gradients = cornu.value_and_grad(loss, layer.trainable_variables)()
    after = layer.get_weights()
    other = cornu.layers.BatchNormalization()
    other(x, training=True)
    for ours, value in zip(after, other.get_weights(), strict=True):
        np.testing.assert_allclose(ours, value, rtol=1e-6)
    assert all(np.isfinite(g).all() for g in gradients)


def test_short_floats_are_normalized_at_full_precision():
    x = (300 + np.arange(8.0).reshape(4, 2)).astype("float16")
    layer = cornu.layers.BatchNormalization(dtype="mixed_float16", momentum=0.0)
    y = layer(x, training=True)
    assert y.dtype == "float16"
    assert layer.moving_variance.dtype == "float32"
    np.testing.assert_allclose(layer.moving_mean.numpy(), x.astype("float32").mean(0), rtol=1e-6)


def test_synchronized_is_accepted():
    assert cornu.layers.BatchNormalization(synchronized=True).get_config()["synchronized"]


@pytest.mark.parametrize(
    ("make", "call", "message"),
    [
        ({"axis": 3}, {}, "axis 3 is out of bounds"),
        ({}, {"mask": np.ones((2, 3, 2), bool)}, "one axis fewer"),
        ({"renorm": True, "renorm_clipping": {"rmaxx": 1}}, {}, "Did you mean 'rmax'"),
        ({"renorm": True, "renorm_clipping": {"rmax": 1, "rmin": 2}}, {}, "rmin <= rmax"),
    ],
)
def test_errors_name_the_cause(make, call, message):
    with pytest.raises(ValueError, match=message):
        cornu.layers.BatchNormalization(**make)(
            np.ones((2, 3, 2), "float32"), training=True, **call
        )
    with pytest.raises(ValueError, match="must be known"):
        cornu.layers.BatchNormalization()(cornu.Input((3, None)))
