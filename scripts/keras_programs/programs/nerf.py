"""`compute_loss` of a subclass, `vectorized_map`, and rendering by cumulative products

A small radiance field learns a colored sphere from rays through it.
"""

import keras
import numpy as np
from keras import layers, ops

RAYS, SAMPLES, OCTAVES = 48, 12, 3
rng = np.random.default_rng(0)
ORIGINS = np.concatenate([rng.uniform(-1, 1, (RAYS, 2)), np.full((RAYS, 1), -2)], 1)
inside = np.sum(ORIGINS[:, :2] ** 2, 1, keepdims=True) < 0.5
COLORS = np.where(inside, [[1.0, 0.4, 0.1]], 0.0).astype("float32")
ORIGINS = ORIGINS.astype("float32")
DEPTHS = np.linspace(1, 3, SAMPLES, dtype="float32")


def encode(points):
    scaled = [points * 2.0**octave for octave in range(OCTAVES)]
    return ops.concatenate([f(x) for x in scaled for f in (ops.sin, ops.cos)], axis=-1)


def render(field):
    """Composites the colors along one ray, given (samples, 4): color and density."""
    color, density = ops.sigmoid(field[:, :3]), ops.softplus(field[:, 3])
    opacity = 1 - ops.exp(-density * (DEPTHS[1] - DEPTHS[0]))
    transmitted = ops.cumprod(1 - opacity + 1e-10)
    transmitted = ops.concatenate([ops.ones((1,)), transmitted[:-1]])
    return ops.sum((opacity * transmitted)[:, None] * color, axis=0)


class RadianceField(keras.Model):
    def __init__(self, width=32):
        super().__init__()
        self.first = layers.Dense(width, "relu")
        self.second = layers.Dense(width, "relu")
        self.field = layers.Dense(4)

    def call(self, origins):
        forward = ops.array([0.0, 0.0, 1.0])
        points = origins[:, None, :] + forward * ops.reshape(DEPTHS, (1, -1, 1))
        x = self.first(encode(points))
        x = self.second(ops.concatenate([x, points], axis=-1))
        return ops.vectorized_map(render, self.field(x))

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        error = ops.sum(ops.square(y - y_pred), axis=-1)
        return ops.mean(error) + 1e-4 * ops.sum(ops.abs(self.field.kernel))


def build():
    model = RadianceField()
    model(ORIGINS[:2])
    return model


def train(model, log):
    model.compile(keras.optimizers.Adamax(0.01))
    model.fit(ORIGINS, COLORS, batch_size=24, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    psnr = ops.psnr(COLORS, model.predict(ORIGINS, verbose=0), max_val=1.0)
    return float(psnr)
