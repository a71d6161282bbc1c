"""Callbacks of one's own and those of Keras: rates, checkpoints, early stopping, logs in a file

A regression with callbacks that watch it.
"""

import csv
import os
import tempfile

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 4)).astype("float32")
Y = (X @ rng.normal(size=(4, 1)) + 0.1 * rng.normal(size=(48, 1))).astype("float32")


class WatchWeights(keras.callbacks.Callback):
    """Records the norm of each kernel, and halves the rate when the loss hardly falls."""

    def __init__(self, tolerance):
        super().__init__()
        self.tolerance = tolerance
        self.norms, self.rates, self.calls = [], [], []

    def on_train_begin(self, logs=None):
        self.previous = float("inf")
        self.calls.append(f"begin {self.params['epochs']} {self.params['steps']}")

    def on_train_batch_begin(self, batch, logs=None):
        self.calls.append(f"batch {batch}")

    def on_epoch_end(self, epoch, logs=None):
        kernels = [w.numpy() for w in self.model.trainable_weights if w.name == "kernel"]
        self.norms.append([float(np.linalg.norm(kernel)) for kernel in kernels])
        rate = float(self.model.optimizer.learning_rate)
        if self.previous - logs["loss"] < self.tolerance:
            self.model.optimizer.learning_rate = rate / 2
        self.rates.append(rate)
        self.previous = logs["loss"]

    def on_test_end(self, logs=None):
        self.calls.append("test")


class StopAt(keras.callbacks.Callback):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.optimizer.iterations) >= self.steps:
            self.model.stop_training = True


def build():
    return keras.Sequential([keras.Input((4,)), layers.Dense(8, "tanh"), layers.Dense(1)])


def train(model, log):
    model.compile(keras.optimizers.SGD(0.2, momentum=0.5), "mse", metrics=["mae"])
    watch, seen = WatchWeights(tolerance=0.02), []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "log.csv")
        best = os.path.join(folder, "best.weights.h5")
        callbacks = [
            log,
            watch,
            StopAt(36),
            keras.callbacks.CSVLogger(path),
            keras.callbacks.TerminateOnNaN(),
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.7, patience=1, min_delta=0.01),
            keras.callbacks.EarlyStopping("val_mae", patience=20, restore_best_weights=True),
            keras.callbacks.ModelCheckpoint(best, save_best_only=True, save_weights_only=True),
            keras.callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch)),
        ]
        model.fit(
            X, Y, 12, 20, validation_split=0.25, shuffle=False, verbose=0, callbacks=callbacks
        )
        model.load_weights(best)
        with open(path) as file:
            rows = [[float(x) for x in row] for row in list(csv.reader(file))[1:]]
    return watch.norms, watch.rates, seen, len(watch.calls), rows, model.predict(X, verbose=0)
