"""Unfreeze: parts of a model are trained from their epoch on, and only then."""

import numpy as np
import pytest

import cornu
from cornu import callbacks, layers

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = X[:, :1]
FIT = {"verbose": 0, "batch_size": 8}


def model():
    cornu.utils.set_random_seed(2)
    inner = cornu.Input((4,))
    deep = layers.Dense(4, name="deep")(layers.Dense(4, name="low")(inner))
    encoder = cornu.Model(inner, layers.BatchNormalization(name="norm")(deep), name="encoder")
    x = cornu.Input((4,))
    made = cornu.Model(x, layers.Dense(1, name="head")(encoder(x)))
    made.compile("adam", "mse")
    return made


class Watch(callbacks.Callback):
    def __init__(self):
        self.weights = []

    def on_epoch_end(self, epoch, logs=None):
        self.weights.append(self.model.get_weights())


def moved(before, after):
    return [not np.array_equal(a, b) for a, b in zip(before, after, strict=True)]


def test_stage_after_stage():
    made, watch = model(), Watch()
    names = [v.path for v in made.weights]
    start = made.get_weights()
    stages = callbacks.Unfreeze({2: "encoder/**", 1: ["encoder/deep", "encoder/norm"]})
    history = made.fit(X, Y, epochs=3, callbacks=[stages, watch], **FIT)
    assert len(history.epoch) == 3 and all(layer.trainable for layer in made.layers_of("**"))
    steps = [start, *watch.weights]
    for a, b, parts in zip(
        steps, steps[1:], (("head",), ("head", "deep", "norm"), "all"), strict=False
    ):
        for name, changed in zip(names, moved(a, b), strict=True):
            assert changed == (parts == "all" or any(part in name for part in parts)), name


def test_is_as_freezing_by_hand():
    one = model()
    one.fit(X, Y, epochs=2, callbacks=[callbacks.Unfreeze({1: "encoder"})], **FIT)
    other = model()
    other.trainer.prepare(cornu.data.adapt(X, Y), train=True)  # the optimizer knows all weights
    other.get_layer("encoder").trainable = False
    other.fit(X, Y, epochs=1, **FIT)
    other.get_layer("encoder").trainable = True
    other.fit(X, Y, epochs=2, initial_epoch=1, **FIT)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_debug_nans_trains_what_was_unfrozen():
    x = cornu.Input((4,))
    made = cornu.Model(x, layers.Dense(1, name="head")(layers.Dense(2, name="low")(x)))
    made.compile("sgd", "mse")
    watch = Watch()
    stages = callbacks.Unfreeze({1: "low"})
    made.fit(X, Y, epochs=2, callbacks=[stages, watch], debug_nans=True, **FIT)
    assert moved(*watch.weights) == [True] * 4


def test_what_was_frozen_before_stays_so(capsys):
    made = model()
    made.get_layer("encoder/low").trainable = False
    before = made.get_layer("encoder/low").get_weights()
    made.fit(X, Y, epochs=2, callbacks=[callbacks.Unfreeze({0: "encoder/**"}, verbose=1)], **FIT)
    assert not any(moved(before, made.get_layer("encoder/low").get_weights()))
    assert not made.get_layer("encoder/low").trainable and made.get_layer("encoder/deep").trainable
    assert "Epoch 1: Unfreeze now trains 'encoder/**'" in capsys.readouterr().out

    class Fails(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        made.fit(X, Y, callbacks=[callbacks.Unfreeze({5: "head"}), Fails()], **FIT)
    assert made.get_layer("head").trainable


def test_invalid_stages_are_rejected():
    with pytest.raises(TypeError, match="dict with epochs as keys"):
        callbacks.Unfreeze(["encoder"])
    with pytest.raises(ValueError, match="must not be negative"):
        callbacks.Unfreeze({-1: "encoder"})
    with pytest.raises(ValueError, match="no part 'heed'. Did you mean 'head'"):
        model().fit(X, Y, callbacks=[callbacks.Unfreeze({1: "heed"})], **FIT)
