"""The log of compilations, and a warning about repeated ones."""

import warnings

import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.errors import ModelWarning
from cornu.layers import Dense
from cornu.training.step.program import counters
from cornu.utils import unpack_x_y_sample_weight

X = np.ones((12, 6), "float32")
Y = np.ones((12, 1), "float32")


def net(shape=(6,)):
    x = Input(shape)
    h = layers.GlobalAveragePooling1D()(x) if len(shape) == 2 else x
    model = Model(x, Dense(1, name="head")(Dense(2, name="first")(h)), name="net")
    model.compile("sgd", "mse")
    return model


def causes(model, step):
    return [trace.cause for trace in model.traces if trace.step == step]


def test_every_compilation_has_a_cause():
    model = net()
    before = counters["traces"]
    model.fit(X, Y, batch_size=4, verbose=0)
    model.fit(X, Y, batch_size=4, epochs=2, verbose=0)  # nothing new
    model.fit(X, Y, batch_size=6, verbose=0)
    model.fit(X[:10], Y[:10], batch_size=6, verbose=0)
    model.fit(X, Y, sample_weight=np.ones(12, "float32"), batch_size=6, verbose=0)
    model.get_layer("first").trainable = False
    model.fit(X, Y, batch_size=6, verbose=0)
    model.compile("sgd", "mae")
    model.fit(X, Y, batch_size=6, verbose=0)
    assert causes(model, "train") == [
        "first use",
        "x: float32[4, 6] -> float32[6, 6], y: float32[4, 1] -> float32[6, 1]",
        "padding: False -> True",
        "sample_weight is new: float32[6], padding: True -> False",
        "sample_weight is gone, frozen: nothing -> first",
        "compile() was called",
    ]
    model.evaluate(X, Y, verbose=0)
    model.predict(X)
    model(X, training=False)
    model(X)
    model(X.astype("int32"))
    assert causes(model, "test") == causes(model, "predict") == ["first use"]
    assert causes(model, "call") == ["first use", "x: float32[12, 6] -> int32[12, 6]"]
    assert counters["traces"] - before == len(model.traces)
    assert repr(model.traces[0]) == "<train: first use>"
    assert model.traces[0].arrays["x"].shape == (4, 6)


def test_compilations_of_custom_steps():
    class Own(Model):
        def predict_step(self, data):
            return self(unpack_x_y_sample_weight(data)[0], training=False) + 1

    x = Input((6,))
    model = Own(x, Dense(1)(x))
    model.predict(X)
    model.predict(X[:5])
    assert causes(model, "predict") == ["first use", "x: float32[12, 6] -> float32[5, 6]"]


def lengths(*sizes, rows=4):
    for size in sizes:
        yield np.ones((rows, size, 6), "float32"), np.ones((rows, 1), "float32")


def test_the_third_length_of_a_stream_is_warned_of_once():
    model = net((None, 6))
    model.fit(lengths(3, 4, 3, 4), verbose=0)
    with pytest.warns(
        ModelWarning, match=r"C060 .*3 different shapes \(x: \(4, 3, 6\), \(4, 4, 6\), \(4, 5"
    ):
        model.fit(lengths(3, 4, 5), verbose=0)
    model.fit(lengths(6, 7), verbose=0)  # reported once
    assert len(causes(model, "train")) == 5
    model.compile("sgd", "mse")
    model.fit(lengths(3, 4), verbose=0)


def test_batches_of_two_sizes_and_arrays_of_any_are_fine():
    model = net()
    for rows in (4, 5, 6, 7, 8, 9):
        model.fit(X[:rows], Y[:rows], batch_size=rows, verbose=0)
    for _ in range(2):
        model.train_on_batch(X[:8], Y[:8])
        model.train_on_batch(X[:4], Y[:4])
    assert len(causes(model, "train")) == 6


def test_the_fifth_number_of_rows_is_warned_of():
    model = net()
    with pytest.warns(ModelWarning, match="C060 Model 'net', the train step: batches have 5"):
        for rows in range(1, 6):
            model.train_on_batch(X[:rows], Y[:rows])


def test_the_tenth_shape_of_a_prediction_is_warned_of():
    model = net()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for rows in range(1, 10):
            model.predict(X[:rows])
    with pytest.warns(
        ModelWarning, match="C060 .*the predict step: batches have 10 different shapes"
    ):
        model.predict(X[:10])


def test_dtypes_that_flip_are_warned_of():
    model = net()
    model.train_on_batch(X, Y)
    with pytest.warns(ModelWarning, match="C061 .*x is float32 in one batch and uint8 in another"):
        model.train_on_batch(X.astype("uint8"), Y)
    cornu.config.silence("C061")
    try:
        model.compile("sgd", "mse")
        model.train_on_batch(X, Y)
        model.train_on_batch(X.astype("uint8"), Y)
    finally:
        cornu.config.unsilence("C061")


def test_the_list_does_not_grow_for_ever():
    model = net()
    cornu.config.silence("C060")
    try:
        for rows in range(1, 105):
            model.trainer.programs.traces.note("m", "predict", {}, {"rows": rows}, streamed=False)
    finally:
        cornu.config.unsilence("C060")
    assert len(model.traces) == 100
