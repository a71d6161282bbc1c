"""Trains with `resume`, until something happens to one process; see `kill_and_resume.py`.

Run as `interrupted_training.py FOLDER RESULTS [EVENT PROCESS]`. Process 0 writes the weights and
the history to `RESULTS/weights.npz`; the time of the event is the content of `RESULTS/event`.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import jax
import numpy as np

import cornu as keras

FOLDER, RESULTS = sys.argv[1], Path(sys.argv[2])
EVENT, PROCESS = sys.argv[3:] or ("none", "0")
EVENTS = {
    "SIGKILL": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "SIGSTOP": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "hang": lambda: time.sleep(1e6),
    "error": lambda: 1 / 0,
    "none": lambda: None,
}


class Happen(keras.callbacks.Callback):
    """Makes the event happen after a step in the middle of the second epoch."""

    def __init__(self):
        super().__init__()
        self.epoch = 0

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        mine = jax.process_index() == int(PROCESS)
        if EVENT != "none" and mine and (self.epoch, batch) == (1, 4):
            (RESULTS / "event").write_text(str(time.time()))
            EVENTS[EVENT]()


def main():
    keras.utils.set_random_seed(1)
    numbers = np.random.default_rng(0)
    x = numbers.normal(size=(100, 8)).astype("float32")
    y = (x.sum(1, keepdims=True) > 0).astype("float32")
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, activation="relu"),
            layers.BatchNormalization(),
            layers.Dropout(0.2),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        x,
        y,
        batch_size=16,
        epochs=4,
        validation_split=0.1,
        verbose=2,
        resume=keras.Resume(FOLDER, every=2),
        callbacks=[Happen(), keras.callbacks.EarlyStopping("loss", patience=9)],
    )
    weights = {f"weight{i}": one for i, one in enumerate(model.get_weights())}
    slots = {f"slot{i}": np.asarray(one) for i, one in enumerate(model.optimizer.variables)}
    if jax.process_index() == 0:
        text = json.dumps(history.history, default=float)
        np.savez(RESULTS / "weights.npz", **weights, **slots, history=np.array(text))


main()
