"""Noise in training: its scale, shape and phase; penalties on activations."""

import keras
import numpy as np
import pytest

from cornu.core.state import scope
from cornu.layers import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    Input,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)

ONES = np.ones((200, 300), "float32")


def test_dropout_drops_and_scales():
    y = np.asarray(Dropout(0.3, seed=1)(ONES, training=True))
    assert (y == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert y.mean() == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("name", ["Dropout", "AlphaDropout", "GaussianNoise", "GaussianDropout"])
def test_numbers_of_a_seed_are_those_of_keras(name):
    import cornu.layers

    ours, theirs = (getattr(k.layers, name)(0.3, seed=7) for k in (cornu, keras))
    for _ in range(2):
        np.testing.assert_allclose(
            ours(ONES[:4], training=True), theirs(ONES[:4], training=True), rtol=1e-5, atol=1e-6
        )


def test_noise_shape_sets_which_units_are_dropped_together():
    y = np.asarray(Dropout(0.5, noise_shape=(None, 1), seed=1)(ONES, training=True))
    assert (y == y[:, :1]).all() and len(np.unique(y)) == 2
    y = np.asarray(AlphaDropout(0.5, noise_shape=(1, None), seed=1)(ONES, training=True))
    assert (y == y[:1]).all() and len(np.unique(y)) == 2


def test_spatial_dropout_drops_whole_channels():
    for layer, shape, axes in (
        (SpatialDropout1D(0.5, seed=1), (2, 5, 20), (1,)),
        (SpatialDropout2D(0.5, seed=1), (2, 3, 3, 20), (1, 2)),
        (SpatialDropout2D(0.5, "channels_first", seed=1), (2, 20, 3, 3), (2, 3)),
        (SpatialDropout3D(0.5, seed=1), (2, 3, 2, 3, 20), (1, 2, 3)),
        (SpatialDropout3D(0.5, "channels_first", seed=1), (2, 20, 3, 2, 3), (2, 3, 4)),
    ):
        y = np.asarray(layer(np.ones(shape, "float32"), training=True))
        assert (y.min(axes) == y.max(axes)).all() and set(np.unique(y)) == {0.0, 2.0}


def test_each_call_draws_new_numbers_and_a_compiled_one_needs_a_key():
    layer = Dropout(0.5)
    first, second = layer(ONES, training=True), layer(ONES, training=True)
    assert (first != second).any()
    drop = scope.pure(lambda x: layer(x, training=True), [])
    with pytest.raises(RuntimeError, match="given no random key"):
        drop((), None, ONES)


def test_nothing_happens_outside_of_training_or_with_a_rate_of_0():
    for layer in (Dropout(0.5), AlphaDropout(0.5), GaussianNoise(0.5), GaussianDropout(0.5)):
        assert (layer(ONES) == ONES).all()
        assert layer.weights == []
    assert (Dropout(0.0)(ONES, training=True) == ONES).all()
    assert Dropout(0.5)(Input((3,)), training=True).shape == (None, 3)


def test_gaussian_noise_has_the_given_standard_deviation():
    y = np.asarray(GaussianNoise(0.2, seed=1)(ONES, training=True))
    assert y.std() == pytest.approx(0.2, rel=0.02) and y.mean() == pytest.approx(1, abs=0.01)
    y = np.asarray(GaussianDropout(0.5, seed=1)(2 * ONES, training=True))
    assert y.std() == pytest.approx(2, rel=0.02) and y.mean() == pytest.approx(2, abs=0.05)


def test_bad_arguments():
    for cls in (Dropout, AlphaDropout, GaussianDropout, SpatialDropout1D):
        with pytest.raises(ValueError, match=f"{cls.__name__} layer .*: rate must be a number"):
            cls(1.5)
    with pytest.raises(ValueError, match="stddev must be a number between 0 and 1. Received: -1"):
        GaussianNoise(-1)
    with pytest.raises(ValueError, match="rate must be less than 1"):
        GaussianDropout(1.0)
    with pytest.raises(ValueError, match="rate must be a number between 0 and 1. Received: '0.5'"):
        Dropout("0.5")
    with pytest.raises(ValueError, match="noise_shape must consist of positive integers"):
        Dropout(0.5, noise_shape=(0, 1))
    with pytest.raises(ValueError, match="expected 4 axes"):
        SpatialDropout2D(0.5)(Input((3, 3)))


def test_a_penalty_is_that_of_the_last_call():
    layer = ActivityRegularization(l1=1.0, l2=0.5)
    layer(np.array([[1.0], [-3.0]], "float32"))
    assert [float(loss) for loss in layer.losses] == [(4 + 5) / 2]
    layer(np.array([[2.0]], "float32"))
    assert [float(loss) for loss in layer.losses] == [2 + 2]


def test_losses_of_a_stateless_call_are_its_own():
    layer = ActivityRegularization(l1=1.0)
    layer(np.array([[1.0]], "float32"))
    _, _, losses = layer.stateless_call([], [], np.array([[5.0]], "float32"), return_losses=True)
    assert [float(loss) for loss in losses] == [5.0]
