"""SwapEMAWeights: the averages are in the model where they should be, and nowhere else."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import cornu
from cornu.callbacks import Callback, LambdaCallback, SwapEMAWeights
from cornu.optimizers import SGD, Adam, LossScaleOptimizer, MultiOptimizer, OptimizerMap

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 3)).astype("float32")
Y = RNG.normal(size=(16, 1)).astype("float32")
START = [RNG.normal(size=(3, 1)).astype("float32"), np.zeros(1, "float32")]


def tiny(optimizer, library=cornu):
    model = library.Sequential([library.Input((3,)), library.layers.Dense(1, name="out")])
    model.compile(optimizer, "mse")
    model.set_weights(START)
    return model


def ema(kind=SGD, rate=0.1, **kwargs):
    return kind(rate, use_ema=True, ema_momentum=0.5, **kwargs)


OPTIMIZERS = {
    "alone": ema,
    "scaled": lambda: LossScaleOptimizer(ema(), initial_scale=8.0),
    "several": lambda: MultiOptimizer(
        OptimizerMap(SGD(0.1, name="plain"), {".*/kernel": ema(Adam, name="averaged")})
    ),
    "scaled several": lambda: LossScaleOptimizer(
        MultiOptimizer(OptimizerMap(ema(name="a"), {".*/bias": SGD(0.1, name="b")}))
    ),
}


def fit(model, *callbacks, epochs=3, **kwargs):
    kwargs = {"batch_size": 8, "shuffle": False, "verbose": 0, **kwargs}
    return model.fit(X, Y, epochs=epochs, callbacks=list(callbacks), **kwargs).history


def same(a, b):
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("swap_on_epoch", [False, True])
def test_validation_is_that_of_keras(swap_on_epoch):
    losses, weights = [], []
    for library in (keras, cornu):
        optimizer = library.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
        model = tiny(optimizer, library)
        swap = library.callbacks.SwapEMAWeights(swap_on_epoch)
        history = fit(model, swap, validation_data=(X, Y))
        losses.append([history["loss"], history["val_loss"]])
        weights += model.get_weights()
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    np.testing.assert_allclose(weights[0], weights[2], rtol=1e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_training_is_bitwise_equal(name):
    runs = []
    for callbacks in ([], [SwapEMAWeights()], [SwapEMAWeights(swap_on_epoch=True)]):
        model = tiny(OPTIMIZERS[name]())
        history = fit(model, *callbacks, validation_data=(X, Y))
        runs.append((history["loss"], model.get_weights(), history["val_loss"]))
    for loss, weights, validation in runs[1:]:
        assert loss == runs[0][0] and same(weights, runs[0][1])
        assert validation != runs[0][2]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_validation_uses_the_averages(name):
    seen = {}

    class Watch(Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen["trained"] = self.model.get_weights()

        def on_test_begin(self, logs=None):
            seen["tested"] = self.model.get_weights()

    model = tiny(OPTIMIZERS[name]())
    fit(model, SwapEMAWeights(), Watch(), validation_data=(X, Y), epochs=1)
    # At the end of fit the model gets its averages anyway.
    assert same(seen["tested"], model.get_weights())
    assert not same(seen["tested"], seen["trained"])


def test_later_callbacks_see_the_averages_between_epochs():
    seen = []
    watch = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()),
        on_train_batch_begin=lambda batch, logs: seen.append(model.get_weights()),
    )
    model = tiny(ema())
    fit(model, SwapEMAWeights(swap_on_epoch=True), watch, epochs=2, batch_size=16)
    assert same(seen[0], START)
    assert same(seen[1], model_after_one_step()) is True
    assert len(seen) == 4 and same(seen[3], model.get_weights())


def model_after_one_step():
    model = tiny(ema())
    fit(model, epochs=1, batch_size=16)
    return model.get_weights()


@pytest.mark.parametrize("method", ["evaluate", "predict"])
def test_outside_of_fit(method):
    model = tiny(ema())
    fit(model, epochs=2)
    model.set_weights(START)
    seen = []
    watch = LambdaCallback(
        on_test_begin=lambda logs: seen.append(model.get_weights()),
        on_predict_begin=lambda logs: seen.append(model.get_weights()),
    )
    data = (X, Y) if method == "evaluate" else (X,)
    getattr(model, method)(*data, verbose=0, callbacks=[SwapEMAWeights(), watch])
    assert not same(seen[0], START) and same(model.get_weights(), START)


def test_keras_leaves_the_averages_after_predict():
    model = tiny(keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5), keras)
    fit(model, epochs=2)
    model.set_weights(START)
    model.predict(X, verbose=0, callbacks=[keras.callbacks.SwapEMAWeights()])
    assert not same(model.get_weights(), START)


def test_before_the_first_step_there_is_no_average():
    model = tiny(ema())
    model.optimizer.build(model.trainable_variables)
    loss = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0, callbacks=[SwapEMAWeights()]) == loss


def test_weights_come_back_when_validation_fails():
    swap, model = SwapEMAWeights(), tiny(ema())
    fit(model, epochs=1)
    model.set_weights(START)
    swap.set_model(model)
    swap.on_train_begin()
    swap.on_test_begin()
    assert not same(model.get_weights(), START)
    swap.on_train_exception(RuntimeError("in validation"))
    assert same(model.get_weights(), START)


def test_weights_come_back_through_fit():
    class Fail(Callback):
        def on_test_end(self, logs=None):
            raise RuntimeError("in validation")

    plain, model = tiny(SGD(0.1)), tiny(ema())
    fit(plain, epochs=1)
    with pytest.raises(RuntimeError, match="in validation"):
        fit(model, Fail(), SwapEMAWeights(), validation_data=(X, Y))
    for a, b in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_state_between_epochs_has_the_weights_of_training():
    swap, model = SwapEMAWeights(swap_on_epoch=True), tiny(ema())
    fit(model, epochs=1)
    model.set_weights(START)
    swap.set_model(model)
    swap.on_train_begin()
    assert swap.get_state() == {"kept": None}
    swap.on_epoch_end(0)
    state, averages = swap.get_state(), model.get_weights()
    other = tiny(ema())
    other.set_weights(averages)
    again = SwapEMAWeights(swap_on_epoch=True)
    again.set_model(other)
    again.on_train_begin()
    again.set_state(state)
    again.on_epoch_begin(1)
    assert same(other.get_weights(), START)


def test_an_optimizer_without_averages_is_rejected():
    for optimizer in (SGD(0.1), MultiOptimizer(OptimizerMap(SGD(0.1)))):
        with pytest.raises(ValueError, match="use_ema=True"):
            fit(tiny(optimizer), SwapEMAWeights(), validation_data=(X, Y))
