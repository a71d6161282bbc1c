"""Ctrl-C at any instant of `fit` leaves a usable model."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import cornu
from cornu.process.interrupts import deferred_signals, immediate_interrupts

PROGRAM = """
import os, random, signal, sys, threading, time
import numpy as np
import cornu

way, count = sys.argv[1], int(sys.argv[2])
draw = random.Random(1)
X = np.random.default_rng(0).normal(size=(512, 6)).astype("float32")
Y = (X[:, 0] > 0).astype("float32")
x = cornu.Input((6,))
h = cornu.layers.BatchNormalization()(cornu.layers.Dense(8, "relu")(x))
model = cornu.Model(x, cornu.layers.Dense(1, "sigmoid")(cornu.layers.Dropout(0.1)(h)))
model.compile("adam", "binary_crossentropy", metrics=["accuracy"], run_eagerly=way == "eager")
batches = [(X[i : i + 64], Y[i : i + 64]) for i in range(0, 512, 64)]
class Source(cornu.utils.PyDataset):
    def __len__(self):
        return len(batches)
    def __getitem__(self, i):
        return batches[i]
data = (Source(),) if way == "stream" else (X, Y)
sized = {} if way == "stream" else {"batch_size": 64}

class Count(cornu.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        ended.append(logs["loss"])

model.fit(*data, verbose=0, **sized)
longest = 0.3 if way == "eager" else 0.02
struck = 0
while struck < count:
    ended, model.history = [], None
    kill = threading.Timer(draw.uniform(0, longest), os.kill, (os.getpid(), signal.SIGINT))
    try:
        kill.start()
        model.fit(*data, epochs=10**6, verbose=0, callbacks=[Count()], **sized)
    except KeyboardInterrupt:
        struck += 1
    kill.join()
    assert not any(v.stored.is_deleted() for v in model.trainer.touched_variables())
    assert all(np.isfinite(w).all() for w in model.get_weights())
    epochs = model.history.epoch if model.history else []  # it may strike before the first
    assert abs(len(epochs) - len(ended)) <= 1, (epochs, ended)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    steps = model.trainer.counts["train"].number
    assert int(model.optimizer.iterations) - steps in (0, 1)
assert model.predict(X).shape == (512, 1)
first, last = model.evaluate(X, Y, verbose=0)[0], model.fit(*data, epochs=20, verbose=0, **sized)
assert last.history["loss"][-1] < 0.7 and last.epoch == list(range(20))
print("survived", struck)
"""


@pytest.mark.slow
@pytest.mark.parametrize(("way", "count"), [("arrays", 100), ("stream", 100), ("eager", 10)])
def test_interrupts_at_random_instants(way, count):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, way, str(count)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.stdout.strip() == f"survived {count}", done.stderr[-3000:]


def test_a_signal_waits_for_the_end_of_the_block():
    came = []
    with pytest.raises(KeyboardInterrupt):
        with deferred_signals():
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)
            came.append(1)
    assert came == [1] and signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_user_handlers_are_called_and_others_unchanged():
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with deferred_signals():
            signal.raise_signal(signal.SIGTERM)
            assert not seen
        assert seen == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)
    with deferred_signals():  # the default of SIGTERM is not Python's
        assert signal.getsignal(signal.SIGTERM) is before


def test_an_error_in_the_block_restores_the_handlers():
    with pytest.raises(ZeroDivisionError):
        with deferred_signals():
            raise ZeroDivisionError
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


class Dying:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)


def strike_in_a_collection():
    def collected(phase, info):
        if phase == "start":
            signal.raise_signal(signal.SIGINT)

    gc.callbacks.append(collected)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(collected)


@pytest.mark.parametrize("strike", [strike_in_a_collection, lambda: Dying() and None])
def test_interrupts_that_python_ignores_are_raised_again(strike):
    begin = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        with immediate_interrupts():
            strike()
            time.sleep(10)
    assert time.monotonic() - begin < 10, "the interrupt did not end the waiting"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_user_handlers_still_receive_signals():
    seen = []
    before = signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
    try:
        with immediate_interrupts():
            signal.raise_signal(signal.SIGINT)
        assert seen == [signal.SIGINT]
    finally:
        signal.signal(signal.SIGINT, before)
    with immediate_interrupts():  # what is installed inside stays
        signal.signal(signal.SIGINT, before)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_train_undisturbed():
    x = cornu.Input((2,))
    model = cornu.Model(x, cornu.layers.Dense(1)(x))
    model.compile("sgd", "mse")
    losses = []

    def run():
        history = model.fit(np.ones((8, 2)), np.ones((8, 1)), epochs=2, verbose=0).history
        losses.extend(history["loss"])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert len(losses) == 2
