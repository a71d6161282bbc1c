"""An invertible model: coupling layers with two directions, log-determinants, a density as the loss

A flow of four coupling layers learns two moons, and is inverted to produce points.
"""

import math

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
angle = rng.uniform(0, math.pi, 80)
upper = rng.integers(0, 2, 80)
X = np.stack([np.cos(angle) + upper, np.sin(angle) * (1 - 2 * upper) + 0.5 * upper], axis=1)
X = (X + rng.normal(0, 0.05, X.shape)).astype("float32")


class Coupling(layers.Layer):
    """Scales and shifts one coordinate by functions of the other."""

    def __init__(self, kept, width=16, **kwargs):
        super().__init__(**kwargs)
        self.kept = kept
        self.scale = keras.Sequential([layers.Dense(width, "relu"), layers.Dense(1, "tanh")])
        self.shift = keras.Sequential([layers.Dense(width, "relu"), layers.Dense(1)])

    def build(self, input_shape):
        self.scale.build((None, 1))
        self.shift.build((None, 1))

    def call(self, x, inverse=False):
        kept = x[:, self.kept : self.kept + 1]
        changed = x[:, 1 - self.kept : 2 - self.kept]
        scale, shift = self.scale(kept), self.shift(kept)
        if inverse:
            changed = (changed - shift) * ops.exp(-scale)
        else:
            changed = changed * ops.exp(scale) + shift
        pair = [kept, changed] if self.kept == 0 else [changed, kept]
        return ops.concatenate(pair, axis=-1), scale[:, 0]


class Flow(keras.Model):
    def __init__(self, couplings=4):
        super().__init__()
        self.couplings = [Coupling(index % 2) for index in range(couplings)]

    def call(self, x):
        total = ops.zeros_like(x[:, 0])
        for coupling in self.couplings:
            x, log_determinant = coupling(x)
            total = total + log_determinant
        return x, total

    def invert(self, z):
        for coupling in reversed(self.couplings):
            z, _ = coupling(z, inverse=True)
        return z

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        z, log_determinant = y_pred
        log_density = -0.5 * ops.sum(ops.square(z), axis=-1) - math.log(2 * math.pi)
        return -ops.mean(log_density + log_determinant)


def build():
    flow = Flow()
    flow(X[:2])
    return flow


def train(flow, log):
    flow.compile(optimizer=keras.optimizers.Adam(5e-3))
    flow.fit(X, batch_size=40, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    z, _ = flow.predict(X, verbose=0)
    back = ops.convert_to_numpy(flow.invert(z))
    produced = ops.convert_to_numpy(flow.invert(rng.normal(size=(5, 2)).astype("float32")))
    return float(np.abs(back - X).max()), z, produced
