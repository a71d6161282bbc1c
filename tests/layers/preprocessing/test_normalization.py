"""Normalization: adaptation, invalid data, and use in a model."""

import numpy as np
import pytest

import cornu
from cornu.layers import Dense, Normalization

X = np.random.default_rng(0).normal(5.0, 2.0, (32, 3)).astype("float32")


def test_batches_and_the_whole_array_adapt_equally():
    whole, parts = Normalization(), Normalization()
    far = X.astype("float64") + 1e6  # where sums of float32 have lost everything
    whole.adapt(far)
    parts.adapt([far[:5], far[5:6], far[6:]])
    np.testing.assert_allclose(parts.variance, far.var(0)[None], rtol=1e-6)
    np.testing.assert_array_equal(whole.get_weights()[:2], parts.get_weights()[:2])


def test_adapting_again_forgets_and_a_compiled_model_sees_it():
    layer = Normalization()
    layer.adapt(X)
    model = cornu.Sequential([cornu.Input((3,)), layer])
    assert abs(model.predict(X, verbose=0).mean()) < 1e-4
    layer.adapt(X + 10)
    np.testing.assert_allclose(model.predict(X + 10, verbose=0).mean(), 0, atol=1e-4)


def test_invert_undoes_the_normalization():
    there, back = Normalization(), Normalization(invert=True)
    for layer in (there, back):
        layer.adapt(X)
    np.testing.assert_allclose(back(there(X)), X, rtol=1e-5)


def test_a_model_keeps_its_statistics(tmp_path):
    layer = Normalization(name="scale")
    layer.adapt(X)
    inputs = cornu.Input((3,))
    model = cornu.Model(inputs, Dense(1)(layer(inputs)))
    model.save(tmp_path / "model.keras")
    loaded = cornu.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(X), model(X))
    np.testing.assert_array_equal(loaded.get_layer("scale").mean, layer.mean)


def test_training_leaves_the_statistics_alone():
    layer = Normalization()
    layer.adapt(X)
    model = cornu.Sequential([layer, Dense(1)])
    model.compile("sgd", "mse")
    before = layer.get_weights()
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    assert not layer.trainable_weights
    for a, b in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_precision_under_a_short_compute_dtype():
    layer = Normalization(mean=1000.0, variance=1.0, dtype="mixed_bfloat16")
    y = layer(np.array([[1001.0]], "float32"))
    assert y.dtype == "bfloat16" and float(y[0, 0]) == 1.0


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"mean": 1.0}, "variance is missing"),
        ({"variance": 1.0}, "mean is missing"),
        ({"mean": [1.0], "variance": 1.0}, "must have the same shape"),
        ({"mean": [[1.0]], "variance": [[1.0]]}, r"Pass an axis .* axis=\(1, 2\)"),
    ],
)
def test_statistics_that_do_not_fit(arguments, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        Normalization(**arguments)


def test_axes_and_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="axis 2 is out of bounds"):
        Normalization(2)(X)
    with pytest.raises(ValueError, match="size of axis -1 must be known|size of axis 1 must be"):
        Normalization()(cornu.Input((None,)))
    layer = Normalization()
    layer.adapt(X)
    with pytest.raises(ValueError, match=r"received a batch of shape \(2, 4\)"):
        layer.adapt(np.zeros((2, 4)))
    with pytest.raises(ValueError, match="constructed with a mean and a variance"):
        Normalization(mean=0.0, variance=1.0).adapt(X)
