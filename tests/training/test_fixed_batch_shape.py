"""Models whose inputs have a fixed number of rows accept batches of any size, as in Keras."""

import numpy as np
import pytest

import cornu
from cornu import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(11, 3)).astype("float32")
Y = RNG.normal(size=(11, 2)).astype("float32")
LABELS = RNG.integers(0, 2, 11)


def regression():
    model = cornu.Sequential([cornu.Input(batch_shape=(4, 3)), layers.Dense(2)])
    model.compile("sgd", "mse", metrics=["mae", "r2_score"], weighted_metrics=["mape"])
    return model, Y


def classification():
    model = cornu.Sequential(
        [cornu.Input(batch_shape=(4, 3)), layers.BatchNormalization(), layers.Dense(2, "softmax")]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile("sgd", loss, metrics=["accuracy"], weighted_metrics=["accuracy"])
    return model, LABELS


def two_outputs():
    x = cornu.Input(batch_shape=(4, 3))
    model = cornu.Model(x, {"a": layers.Dense(2)(x), "b": layers.Dense(1, "sigmoid")(x)})
    losses = {"a": "mse", "b": "binary_crossentropy"}
    model.compile("sgd", losses, metrics={"a": ["mae"], "b": ["accuracy", "auc"]})
    return model, {"a": Y, "b": LABELS[:, None]}


METHODS = {
    "fit": lambda m, y: m.fit(X, y, batch_size=8, verbose=0),
    "fit with validation": lambda m, y: m.fit(
        X, y, batch_size=5, validation_data=(X, y), verbose=0
    ),
    "fit in folded steps": lambda m, y: m.fit(X, y, batch_size=2, steps_per_epoch=3, verbose=0),
    "fit on a generator": lambda m, y: m.fit(
        iter([(X, y), (X, y)]), steps_per_epoch=2, epochs=1, verbose=0
    ),
    "evaluate": lambda m, y: m.evaluate(X, y, batch_size=8, verbose=0),
    "predict": lambda m, y: m.predict(X, batch_size=8, verbose=0),
    "train_on_batch": lambda m, y: m.train_on_batch(X, y),
    "test_on_batch": lambda m, y: m.test_on_batch(X, y),
    "call": lambda m, y: m(X),
    "check": lambda m, y: m.check(X, y),
}


@pytest.mark.parametrize("make", [regression, classification, two_outputs])
@pytest.mark.parametrize("method", METHODS)
def test_batches_may_have_another_size(make, method):
    model, y = make()
    METHODS[method](model, y)


def test_the_results_are_those_of_a_model_without_a_fixed_size():
    fixed, _ = regression()
    free = cornu.Sequential([cornu.Input((3,)), layers.Dense(2)])
    free.compile("sgd", "mse", metrics=["mae", "r2_score"], weighted_metrics=["mape"])
    free.set_weights(fixed.get_weights())
    histories = [m.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history for m in (fixed, free)]
    assert histories[0] == histories[1]
