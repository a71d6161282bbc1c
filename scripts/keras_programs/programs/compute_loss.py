"""Overrides of `compute_loss` and `compute_metrics` that call those of Model, and `add_loss`

A regression whose outputs should be smooth: neighboring rows get similar predictions.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
X = np.sort(rng.uniform(-3, 3, (48, 1)), axis=0).astype("float32")
Y = (np.sin(X) + rng.normal(0, 0.3, X.shape)).astype("float32")


class SparseActivity(layers.Layer):
    """Adds the mean magnitude of its input to the loss."""

    def __init__(self, weight, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, x):
        self.add_loss(self.weight * ops.mean(ops.abs(x)))
        return x


class SmoothRegression(keras.Model):
    def __init__(self, *args, smoothness=0.5, **kwargs):
        super().__init__(*args, **kwargs)
        self.smoothness = smoothness
        self.roughness = keras.metrics.Mean(name="roughness")

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = super().compute_loss(x, y, y_pred, sample_weight, training)
        steps = ops.mean(ops.square(ops.diff(y_pred, axis=0)))
        self.roughness.update_state(steps)
        return loss + self.smoothness * steps

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        logs = super().compute_metrics(x, y, y_pred, sample_weight)
        logs["bias"] = ops.mean(y_pred - y)
        return logs


def build():
    inputs = keras.Input((1,))
    x = layers.Dense(16, "tanh", activity_regularizer=keras.regularizers.L2(1e-3))(inputs)
    x = SparseActivity(0.01)(x)
    outputs = layers.Dense(1, kernel_regularizer=keras.regularizers.L1L2(1e-4, 1e-3))(x)
    return SmoothRegression(inputs, outputs, smoothness=0.2)


def train(model, log):
    model.compile(keras.optimizers.SGD(0.1, nesterov=True, momentum=0.8), "mse", metrics=["mae"])
    weights = np.where(np.abs(X[:, 0]) < 2, 1.0, 0.3).astype("float32")
    history = model.fit(
        X,
        Y,
        sample_weight=weights,
        batch_size=24,
        epochs=10,
        shuffle=False,
        verbose=0,
        callbacks=[log],
    )
    return [history.history[key] for key in ("roughness", "bias", "mae")], model.evaluate(
        X, Y, verbose=0
    )
