"""SWA: the mean of the weights, the learning rate, and batch normalization."""

from __future__ import annotations

import numpy as np
import pytest

import cornu
from cornu import layers
from cornu.callbacks import SWA, Callback
from tests.callbacks import fake

RNG = np.random.default_rng(0)
X = RNG.normal(size=(24, 3)).astype("float32")
Y = RNG.normal(size=(24, 1)).astype("float32")


def tiny(*inner, rate=0.1):
    model = cornu.Sequential([cornu.Input((3,)), *inner, layers.Dense(1)])
    model.compile(cornu.optimizers.SGD(rate), "mse")
    return model


class Watch(Callback):
    """Records the weights and the learning rate of each epoch."""

    def __init__(self):
        self.weights, self.rates = [], []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())
        self.rates.append(float(self.model.optimizer.learning_rate))


def fit(model, *callbacks, epochs=6, **kwargs):
    kwargs = {"batch_size": 8, "verbose": 0, **kwargs}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **kwargs)


@pytest.mark.parametrize(("start", "every", "taken"), [(0, 1, 6), (3, 1, 3), (1, 2, 2), (0, 3, 2)])
def test_the_model_gets_the_mean(start, every, taken):
    watch, swa, model = Watch(), SWA(start, every), tiny()
    fit(model, watch, swa)
    epochs = [e for e in range(6) if e >= start and (e - start + 1) % every == 0]
    assert swa.count == len(epochs) == taken
    for i, weight in enumerate(model.get_weights()):
        mean = np.mean([watch.weights[e][i].astype("float64") for e in epochs], 0)
        np.testing.assert_allclose(weight, mean, rtol=1e-6, atol=1e-7)


def test_the_learning_rate_is_set():
    watch = Watch()
    fit(tiny(), watch, SWA(2, swa_lr=0.05), epochs=4)
    assert watch.rates == pytest.approx([0.1, 0.1, 0.05, 0.05])


def test_short_weights_have_a_mean_in_float32():
    model = cornu.Sequential([cornu.Input((3,)), layers.Dense(1, dtype="bfloat16")])
    model.compile(cornu.optimizers.SGD(0.1), "mse")
    swa = SWA(0)
    swa.set_model(model)
    swa.on_train_begin()
    for epoch in range(200):
        model.set_weights([np.full((3, 1), epoch % 2), np.zeros(1)])
        swa.on_epoch_end(epoch)
    (mean, _) = swa.get_state()["mean"]
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, 0.5, rtol=1e-5)


def test_a_run_that_is_resumed_has_the_mean_of_both_parts():
    logs = [{"loss": 1.0}] * 3
    swa, model = SWA(0), tiny()
    start = model.get_weights()

    class Move(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            model.set_weights([w + np.float32(epoch) for w in start])

    def run(callback, first, last):
        for epoch in range(first, last):
            Move().on_epoch_begin(epoch)
            callback.on_epoch_begin(epoch)
            callback.on_epoch_end(epoch, logs[epoch])

    for callback in (swa, whole := SWA(0)):
        callback.set_model(model)
        callback.on_train_begin()
    run(whole, 0, 3)
    run(swa, 0, 2)
    again = SWA(0)
    again.set_model(model)
    again.on_train_begin()
    again.set_state(swa.get_state())
    run(again, 2, 3)
    for a, b in zip(again.get_state()["mean"], whole.get_state()["mean"], strict=True):
        np.testing.assert_array_equal(a, b)
    assert again.count == 3


def test_frozen_weights_stay_and_others_are_averaged():
    frozen = layers.Dense(3, name="frozen")
    model = tiny(frozen)
    frozen.trainable = False
    before = frozen.get_weights()
    swa = SWA(0)
    fit(model, swa, epochs=2)
    assert len(swa.get_state()["mean"]) == 2
    for a, b in zip(frozen.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_batch_normalization_fits_the_mean():
    norm = layers.BatchNormalization()
    model = tiny(layers.Dense(4, name="first"), norm)
    fit(model, SWA(1, x=X, batch_size=8), epochs=4)
    hidden = np.asarray(model.get_layer("first")(X), "float64")
    np.testing.assert_allclose(norm.moving_mean.numpy(), hidden.mean(0), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(norm.moving_variance.numpy(), hidden.var(0), rtol=1e-5)


def test_without_data_it_explains_how(capsys):
    model = tiny(layers.BatchNormalization())
    swa = SWA(0)
    fit(model, swa, epochs=1)
    assert "Call swa.update_batch_norm(model, x)" in capsys.readouterr().out
    swa.update_batch_norm(model, X, batch_size=8)
    fit(tiny(), SWA(0), epochs=1)
    assert capsys.readouterr().out == ""


def test_too_few_epochs_are_reported(capsys):
    model, swa = tiny(), SWA(5)
    fit(model, swa, epochs=2)
    assert swa.count == 0 and "there is no mean of weights" in capsys.readouterr().out
    fake.drive(SWA(0, verbose=1), [{"loss": 1.0}], model)
    assert "the weights are the mean over 1 epoch." in capsys.readouterr().out


@pytest.mark.parametrize(("start", "every"), [(-1, 1), (0, 0)])
def test_invalid_arguments_are_rejected(start, every):
    with pytest.raises(ValueError, match="SWA: start_epoch must be >= 0"):
        SWA(start, every)
