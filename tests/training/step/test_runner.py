"""The runner: one program, any number of steps per dispatch, the same result."""

import jax.numpy as jnp
import numpy as np
import pytest

import cornu
from cornu import Input, Model, layers
from cornu.data import Arrays
from cornu.layers import Dense
from cornu.training.step.program import counters
from tests.sampling import slow_except

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype("float32")
Y = RNG.integers(0, 3, size=50)


def model(conv=False):
    cornu.utils.set_random_seed(3)
    x = Input((6,))
    h = layers.BatchNormalization(momentum=0.5)(Dense(8, activation="relu")(x))
    if conv:
        h = layers.Flatten()(layers.Conv1D(3, 2)(layers.Reshape((4, 2))(h)))
    made = Model(x, Dense(3, activation="softmax")(layers.Dropout(0.3)(h)))
    made.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return made


class BatchRecorder(cornu.callbacks.Callback):
    """Overrides a per-batch hook, so that every step is dispatched alone."""

    def __init__(self):
        self.begun, self.ended = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.begun.append(batch)

    def on_train_batch_end(self, batch, logs=None):
        self.ended.append((batch, logs["loss"]))


@pytest.mark.parametrize("conv", slow_except([False, True], 1))
def test_the_result_does_not_depend_on_the_steps_per_dispatch(conv):
    kwargs = {"epochs": 3, "batch_size": 8, "verbose": 0}
    plain = model(conv)
    first = plain.fit(X, Y, **kwargs).history
    recorder = BatchRecorder()
    single = model(conv)
    second = single.fit(X, Y, callbacks=[recorder], **kwargs).history
    fixed = model(conv)
    fixed.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["accuracy"], steps_per_execution=4
    )
    third = fixed.fit(X, Y, **kwargs).history
    assert first == second == third
    for a, b, c in zip(*(m.get_weights() for m in (plain, single, fixed)), strict=True):
        assert np.array_equal(a, b) and np.array_equal(a, c)
    assert recorder.begun == list(range(7)) * 3 and [n for n, _ in recorder.ended] == recorder.begun


def test_one_program_serves_epochs_with_partial_batches_and_further_fits():
    made = model()
    before = counters["traces"]
    made.fit(X, Y, epochs=2, batch_size=8, verbose=0)  # 50 = 6 * 8 + 2
    made.fit(X[:42], Y[:42], epochs=2, batch_size=8, verbose=0)
    made.optimizer.learning_rate = 1e-4
    made.fit(X[:43], Y[:43], epochs=1, batch_size=8, verbose=0)
    assert counters["traces"] - before == 1


def test_freezing_a_layer_takes_effect_without_compiling_again():
    made = model()
    made.fit(X, Y, verbose=0)
    made.layers[1].trainable = False
    before = made.layers[1].get_weights()
    made.fit(X, Y, verbose=0)
    assert all(
        np.array_equal(a, b) for a, b in zip(before, made.layers[1].get_weights(), strict=True)
    )


def test_a_model_that_mixes_rows_is_not_padded():
    x = Input((6,))
    centered = layers.Lambda(lambda t: t - t.mean(axis=0, keepdims=True))(x)
    mixing = Model(x, Dense(3, activation="softmax")(centered))
    mixing.compile("sgd", "sparse_categorical_crossentropy")
    assert not mixing.trainer.programs.runner("train").pads
    whole = mixing.evaluate(X[48:], Y[48:], batch_size=2, verbose=0)
    split = mixing.evaluate(X, Y, batch_size=8, verbose=0)
    parts = [
        mixing.evaluate(X[i : i + 8], Y[i : i + 8], batch_size=8, verbose=0)
        for i in range(0, 48, 8)
    ]
    assert split == pytest.approx((sum(parts) * 8 + whole * 2) / 50, rel=1e-5)


def test_the_order_is_a_function_of_seed_and_epoch():
    data = Arrays((np.arange(10), None, None), 4, shuffle=True, seed=5)
    again = Arrays((np.arange(10), None, None), 4, shuffle=True, seed=5)
    assert data.order(3).tolist() == again.order(3).tolist() != data.order(4).tolist()
    assert sorted(data.order(3)[:10].tolist()) == list(range(10)) and len(data.order(3)) == 12
    batches = [batch[0].tolist() for batch in data.batches(3)]
    assert sum(batches, []) == data.order(3)[:10].tolist()


def test_data_too_large_for_the_device_is_streamed(monkeypatch):
    kwargs = {"epochs": 2, "batch_size": 8, "verbose": 0, "shuffle": True}
    expected = model().fit(X[:48], Y[:48], **kwargs).history
    monkeypatch.setattr("cornu.data.sources.arrays.RESIDENT_BYTES", 0)
    streamed = model().fit(X[:48], Y[:48], **kwargs).history
    for name in expected:
        assert np.allclose(expected[name], streamed[name], rtol=1e-5)


@pytest.mark.parametrize("convert", slow_except([np.float64, jnp.asarray, np.ndarray.tolist], 1))
def test_batches_from_the_host_are_those_of_the_array(convert):
    made = model(conv=True)
    kwargs = {"batch_size": 8, "verbose": 0, "return_dict": True}  # 50 = 6 * 8 + 2
    expected = made.evaluate(X, Y, **kwargs)
    assert made.evaluate(convert(X), Y, **kwargs) == expected
    parts = [made.evaluate(X[i : i + 8], Y[i : i + 8], **kwargs) for i in range(0, 50, 8)]
    loss = sum(p["loss"] * n for p, n in zip(parts, [8] * 6 + [2], strict=True)) / 50
    assert loss == pytest.approx(expected["loss"], rel=1e-5)


def test_predict_and_call_share_one_program():
    made = model()
    before = counters["traces"]
    first = made(X[:5], training=False)
    second = made.predict(X[:5])
    made.predict_on_batch(X[:5])
    assert counters["traces"] - before == 1 and np.array_equal(first, second)
    assert made.predict(X, batch_size=5).shape == (50, 3)
    assert counters["traces"] - before == 1


def test_stop_training_and_history():
    class Stop(cornu.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    made = model()
    history = made.fit(X, Y, epochs=9, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0, 1] and made.history is history
    assert made.fit(X, Y, epochs=4, initial_epoch=2, verbose=0).epoch == [2, 3]


def test_validation_frequency():
    made = model()
    logs = made.fit(X, Y, epochs=4, verbose=0, validation_split=0.2, validation_freq=2).history
    assert len(logs["val_loss"]) == 2 and len(logs["loss"]) == 4


@pytest.mark.parametrize("freq", [0, -1, 1.5, True, "x", [], [0], [1, 2.0], None])
def test_other_validation_frequencies_are_errors(freq):
    with pytest.raises(ValueError, match=r"validation_freq must be a positive integer.*Received"):
        model().fit(X, Y, epochs=2, verbose=0, validation_split=0.2, validation_freq=freq)


def test_rows_of_padding_have_finite_gradients():
    """Rows of zeros would be masked as a whole, and the mean of such a sequence is NaN."""
    x = np.array([[1, 2, 0], [2, 0, 0], [1, 1, 2]])

    def train(data):
        cornu.utils.set_random_seed(3)
        tokens = Input((3,), dtype="int32")
        h = layers.GlobalAveragePooling1D()(layers.Embedding(3, 4, mask_zero=True)(tokens))
        made = Model(tokens, Dense(1)(h))
        made.compile("sgd", "mse")
        made.fit(data, verbose=0)
        return np.concatenate([w.ravel() for w in made.get_weights()])

    y = np.ones((3, 1), "float32")
    batches = (pair for pair in [(x[:2], y[:2]), (x[2:], y[2:])])  # the last one is padded
    assert np.isfinite(train(batches)).all()
