"""update_batch_norm: means and variances of data, as if computed in one pass."""

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks.shared.batch_norm_statistics import update_batch_norm

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32")


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.99, 0.9999])
@pytest.mark.parametrize("renorm", [False, True])
def test_statistics_are_those_of_all_rows(momentum, renorm):
    norm = layers.BatchNormalization(momentum=momentum, renorm=renorm)
    model = cornu.Sequential([cornu.Input((3,)), norm])
    x = X[:20] * 3 + 7  # the last batch is a short one
    update_batch_norm(model, x, batch_size=8)
    tolerance = 2e-3 if momentum == 0.9999 else 1e-4
    np.testing.assert_allclose(norm.moving_mean.numpy(), x.mean(0), rtol=tolerance)
    np.testing.assert_allclose(norm.moving_variance.numpy(), x.var(0), rtol=10 * tolerance)
    if renorm:
        np.testing.assert_allclose(
            norm.moving_stddev.numpy() ** 2, norm.moving_variance.numpy() + norm.epsilon, rtol=1e-5
        )


def test_a_layer_that_is_used_twice():
    norm = layers.BatchNormalization()
    x = cornu.Input((3,))
    model = cornu.Model(x, norm(norm(x)))
    update_batch_norm(model, X + 5, batch_size=24)
    # Once the data, once what comes out of it normalized; the later use weighs a little more.
    weights = np.array([norm.momentum, 1.0]) / (1 + norm.momentum)
    np.testing.assert_allclose(norm.moving_mean.numpy(), weights[0] * (X + 5).mean(0), rtol=1e-3)


def test_streams_and_nested_models():
    inner = cornu.Sequential([cornu.Input((3,)), layers.BatchNormalization(name="n")])
    outer = cornu.Sequential([cornu.Input((3,)), inner])
    batches = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 24, 8)]
    update_batch_norm(outer, iter(batches))
    norm = inner.get_layer("n")
    np.testing.assert_allclose(norm.moving_mean.numpy(), X.mean(0), rtol=1e-4, atol=1e-6)


def test_frozen_layers_stay():
    norm = layers.BatchNormalization()
    model = cornu.Sequential([cornu.Input((3,)), norm])
    norm.trainable = False
    update_batch_norm(model, X)
    np.testing.assert_array_equal(norm.moving_mean.numpy(), 0.0)


def test_nothing_changes_if_it_fails():
    norm = layers.BatchNormalization()
    model = cornu.Sequential([cornu.Input((3,)), norm])

    def broken():
        yield (X[:8],)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        update_batch_norm(model, broken())
    np.testing.assert_array_equal(norm.moving_mean.numpy(), 0.0)
    np.testing.assert_array_equal(norm.moving_variance.numpy(), 1.0)
