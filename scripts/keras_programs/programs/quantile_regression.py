"""A list of outputs with a list of losses made by a closure, and a model of merged layers

Three quantiles of noisy data whose spread grows.
"""

import keras
import numpy as np
from keras import layers, ops

QUANTILES = (0.1, 0.5, 0.9)
rng = np.random.default_rng(0)
X = rng.uniform(0, 1, (80, 1)).astype("float32")
Y = (np.sin(5 * X) + rng.normal(0, 0.1 + 0.5 * X)).astype("float32")


def pinball(quantile):
    def loss(y_true, y_pred):
        error = y_true - y_pred
        return ops.mean(ops.maximum(quantile * error, (quantile - 1) * error), axis=-1)

    loss.__name__ = f"pinball_{int(100 * quantile)}"
    return loss


def build():
    x = keras.Input((1,))
    waves = layers.Dense(16, activation=ops.sin, kernel_initializer="truncated_normal")(x)
    bumps = layers.Dense(16, activation="softplus")(x)
    hidden = layers.Maximum()([waves, bumps])
    hidden = layers.Dense(16, activation="exponential", kernel_initializer="zeros")(hidden)
    hidden = layers.Subtract()([hidden, layers.Minimum()([waves, bumps])])
    middle = layers.Dense(1, name="q50")(hidden)
    # Gaps are positive, so that the quantiles are in order.
    below = layers.Dense(1, activation="softplus")(hidden)
    above = layers.Dense(1, activation="softplus")(hidden)
    low = layers.Subtract(name="q10")([middle, below])
    high = layers.Add(name="q90")([middle, above])
    return keras.Model(x, [low, middle, high])


def train(model, log):
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=[pinball(quantile) for quantile in QUANTILES],
        metrics=[None, ["mae"], None],
    )
    model.fit(X, [Y, Y, Y], batch_size=40, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    low, middle, high = model.predict(X, verbose=0)
    covered = np.mean((low <= Y) & (Y <= high))
    return [low, middle, high], covered, model.evaluate(X, [Y, Y, Y], verbose=0)
