"""Callbacks in a real fit."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

import cornu
from cornu import callbacks, config
from cornu.utils import PyDataset

ROWS, BATCH = 40, 8
X = np.random.default_rng(0).normal(size=(ROWS, 3)).astype("float32")
Y = (X @ np.array([[1.0], [2.0], [-1.0]]) > 0).astype("float32")


def tiny(rate=0.1):
    cornu.utils.set_random_seed(5)
    model = cornu.Sequential([cornu.Input((3,)), cornu.layers.Dense(1, activation="sigmoid")])
    model.compile(cornu.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def fit(*listed, epochs=3, rate=0.1, model=None, **kwargs):
    model = tiny(rate) if model is None else model
    kwargs = {"batch_size": BATCH, "verbose": 0, **kwargs}
    history = model.fit(X, Y, epochs=epochs, callbacks=list(listed), **kwargs)
    return model, history


def test_order_of_hook_calls():
    calls = []

    def note(name):
        return lambda *args: calls.append((name, *args[:1]))

    listed = callbacks.LambdaCallback(
        **{
            name: note(name)
            for name in vars(callbacks.Callback)
            if name.startswith("on_") and name != "on_progress"
        }
    )
    fit(listed, epochs=1, validation_data=(X[:16], Y[:16]))
    names = [call[0] for call in calls]
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_batch_begin", "on_test_batch_end"]
    assert names == [
        *["on_train_begin", "on_epoch_begin"],
        *batch * 5,
        *["on_test_begin", *test * 2, "on_test_end"],
        *["on_epoch_end", "on_train_end"],
    ]
    assert [c[1] for c in calls if c[0] == "on_train_batch_end"] == [0, 1, 2, 3, 4]


def test_looking_changes_nothing():
    class Watch(callbacks.Callback):
        def __init__(self):
            self.losses = []

        def on_train_batch_end(self, batch, logs=None):
            self.losses.append(logs["loss"])

    watch = Watch()
    watched, with_steps = fit(watch)
    alone, without = fit()
    nan, _ = fit(callbacks.TerminateOnNaN())
    assert len(watch.losses) == 15 and watch.losses[4] == with_steps.history["loss"][0]
    for other in (alone, nan):
        for a, b in zip(watched.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    np.testing.assert_allclose(with_steps.history["loss"], without.history["loss"], rtol=1e-6)


def test_history():
    model, history = fit(validation_split=0.2)
    assert history is model.history and history.epoch == [0, 1, 2]
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert all(type(value) is float for values in history.history.values() for value in values)
    assert history.params == {"verbose": 0, "epochs": 3, "steps": 4}
    model.evaluate(X, Y, verbose=0)
    assert model.history is history


@pytest.mark.parametrize("patience", [1, 9])
def test_early_stopping_gives_the_best_weights_back(patience):
    class Spoil(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.set_weights([-10 * w for w in self.model.get_weights()])

    kept = []
    keep = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(model.get_weights())
    )
    model = tiny()
    stop = callbacks.EarlyStopping("loss", patience=patience, restore_best_weights=True)
    _, history = fit(keep, stop, Spoil(), model=model, epochs=4)
    assert len(history.epoch) == (3 if patience == 1 else 4)
    assert stop.best_epoch == int(np.argmin(history.history["loss"])) == 1
    for got, want in zip(model.get_weights(), kept[1], strict=True):
        np.testing.assert_array_equal(got, want)


def test_learning_rates_take_effect():
    frozen = callbacks.LearningRateScheduler(lambda epoch: 0.1 if epoch == 0 else 0.0)
    kept = []
    keep = callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: kept.append(model.get_weights()[0])
    )
    model = tiny()
    _, history = fit(frozen, keep, model=model)
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.0, 0.0])
    np.testing.assert_array_equal(kept[1], kept[0])
    model, history = fit(callbacks.ReduceLROnPlateau("loss", patience=1, min_delta=9.0))
    assert history.history["learning_rate"] == pytest.approx([0.1, 0.1, 0.01])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.001)


def test_nan_ends_training(capsys):
    config.silence("C002")
    try:
        model, history = fit(callbacks.TerminateOnNaN(), rate=math.inf, epochs=5)
    finally:
        config.unsilence()
    assert len(history.epoch) == 1 and model.stop_training
    assert "TerminateOnNaN: the loss is nan" in capsys.readouterr().out


def test_stop_training_ends_within_an_epoch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 1

    model, history = fit(Stop())
    assert history.epoch == [0] and int(model.optimizer.iterations) == 2


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_leaves_the_history(error):
    def fail(epoch, logs):
        if epoch == 2:
            raise error("enough")

    model = tiny()
    with pytest.raises(error, match="enough"):
        fit(callbacks.LambdaCallback(on_epoch_begin=fail), model=model, epochs=5)
    assert model.history.epoch == [0, 1] and len(model.history.history["loss"]) == 2
    _, history = fit(model=model, epochs=1)
    assert history.epoch == [0]


def test_lines_of_fit(capsys):
    fit(epochs=2, verbose=2, validation_split=0.2)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" - ")[0] for line in lines] == ["Epoch 1/2", "4/4", "Epoch 2/2", "4/4"]
    for part in ("/step", " - loss: ", " - accuracy: ", " - val_loss: ", " - val_accuracy: "):
        assert part in lines[1]
    tiny().evaluate(X, Y, verbose=2)
    assert capsys.readouterr().out.startswith("2/2 - ")


def test_batches_made_by_workers():
    class Batches(PyDataset):
        ends = 0

        def __len__(self):
            return ROWS // BATCH

        def __getitem__(self, index):
            rows = slice(index * BATCH, (index + 1) * BATCH)
            return X[rows], Y[rows]

        def on_epoch_end(self):
            self.ends += 1

    results = []
    for workers in (1, 3):
        data, model = Batches(workers=workers), tiny()
        model.fit(data, epochs=2, shuffle=False, verbose=0)
        results.append(model.get_weights())
        assert data.ends == 2
    results.append(fit(epochs=2, shuffle=False)[0].get_weights())
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("together", [1, 4])
def test_hooks_receive_logs_and_the_indices_of_their_steps(streamed, together):
    calls = []

    def record(name):
        def hook(self, *args):
            assert isinstance(args[-1], Mapping), name
            calls.append((name.removeprefix("on_"), *args[:-1]))

        return hook

    phases = ("train", "test", "predict")
    names = [
        f"on_{p}{kind}_{m}" for p in phases for kind in ("", "_batch") for m in ("begin", "end")
    ]
    names += [f"on_epoch_{moment}" for moment in ("begin", "end")]
    callback = type("Recorder", (cornu.callbacks.Callback,), {n: record(n) for n in names})()
    model = cornu.Sequential([cornu.Input((2,)), cornu.layers.Dense(1)])
    model.compile("sgd", "mse", steps_per_execution=together)
    x, y = np.ones((12, 2), "float32"), np.ones((12, 1), "float32")

    class Batches(PyDataset):
        def __len__(self):
            return 6

        def __getitem__(self, index):
            return x[:2], y[:2]

    source = {"x": Batches()} if streamed else {"x": x, "y": y, "batch_size": 2}
    model.fit(**source, verbose=0, callbacks=[callback])
    model.evaluate(**source, verbose=0, callbacks=[callback])
    model.predict(x, batch_size=2, verbose=0, callbacks=[callback])
    for phase in phases:
        steps = [(c[0].rpartition("_")[2], c[1]) for c in calls if c[0].startswith(f"{phase}_bat")]
        expected = [(i, min(i + together, 6) - 1) for i in range(0, 6, together)]
        assert steps == [pair for b, e in expected for pair in (("begin", b), ("end", e))]
