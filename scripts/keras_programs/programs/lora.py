"""Low-rank adapters: a layer that wraps another, freezes it, and reads its weights

A trained network is adapted to another task.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 10)).astype("float32")
Y = np.tanh(X @ rng.normal(size=(10, 3))).astype("float32")
OTHER = (Y[:, ::-1] + 0.3).astype("float32")


class LowRank(layers.Layer):
    """Adds a product of two small kernels to a frozen Dense layer."""

    def __init__(self, dense, rank, alpha=4.0, **kwargs):
        super().__init__(name=f"{dense.name}_low_rank", **kwargs)
        self.dense, self.rank, self.alpha = dense, rank, alpha
        self.dense.trainable = False

    def build(self, input_shape):
        if not self.dense.built:
            self.dense.build(input_shape)
        down = keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform")
        self.down = self.add_weight((input_shape[-1], self.rank), initializer=down, name="down")
        self.up = self.add_weight((self.rank, self.dense.units), initializer="zeros", name="up")

    def call(self, x):
        return self.dense(x) + (self.alpha / self.rank) * (x @ self.down) @ self.up

    def merged_kernel(self):
        return self.dense.kernel + (self.alpha / self.rank) * self.down @ self.up


def build():
    base = keras.Sequential(
        [keras.Input((10,)), layers.Dense(16, "linear", name="first"), layers.Dense(3, name="last")]
    )
    x = inputs = keras.Input((10,))
    for layer in base.layers:
        x = LowRank(layer, rank=2)(x)
    adapted = keras.Model(inputs, x)
    return base, adapted


def train(base, adapted, log):
    options = dict(batch_size=24, shuffle=False, verbose=0, callbacks=[log])
    for layer in base.layers:
        layer.trainable = True
    base.compile("adam", "mse")
    base.fit(X, Y, epochs=3, **options)
    for layer in base.layers:
        layer.trainable = False
    frozen = base.layers[0].kernel.numpy()

    adapted.compile(keras.optimizers.Adam(0.01), "mse")
    adapted.fit(X, OTHER, epochs=9, **options)
    unchanged = float(np.abs(frozen - base.layers[0].kernel.numpy()).max())
    shapes = [tuple(w.shape) for w in adapted.trainable_weights]
    kernel = np.asarray(adapted.layers[1].merged_kernel())
    return unchanged, shapes, kernel, adapted.predict(X, verbose=0)
