"""A network conditioned on time in a model of one's own, `use_ema`, and sampling in a loop

A diffusion model of points on a spiral. Steps and noise are data.
"""

import keras
import numpy as np
from keras import layers, ops

STEPS, ROWS = 20, 64
rng = np.random.default_rng(0)
turn = rng.uniform(0, 4, (ROWS, 1))
CLEAN = (np.concatenate([np.cos(turn), np.sin(turn)], 1) * turn / 4).astype("float32")
NOISE = rng.normal(size=(10, ROWS, 2)).astype("float32")
TIMES = rng.integers(0, STEPS, (10, ROWS))
BETAS = np.linspace(1e-3, 0.2, STEPS, dtype="float32")
SIGNAL = np.cumprod(1 - BETAS)


class TimeEmbedding(layers.Layer):
    """Sines and cosines of the step, at geometric frequencies."""

    def __init__(self, size, **kwargs):
        super().__init__(**kwargs)
        self.size = size

    def call(self, step):
        half = self.size // 2
        frequencies = ops.exp(-ops.log(100.0) * ops.arange(half, dtype="float32") / half)
        angles = ops.cast(step, "float32")[:, None] * frequencies[None]
        return ops.concatenate([ops.sin(angles), ops.cos(angles)], axis=-1)

    def compute_output_shape(self, step_shape):
        return (*step_shape, self.size)


def residual(x, condition, width):
    shift, scale = layers.Dense(width)(condition), layers.Dense(width)(condition)
    h = layers.LayerNormalization(center=False, scale=False)(x)
    h = layers.Dense(width, activation="silu")(h * (1 + scale) + shift)
    return x + h


def build():
    point, step = keras.Input((2,)), keras.Input((), dtype="int32")
    condition = layers.Dense(16, "silu")(TimeEmbedding(16)(step))
    x = layers.Dense(24)(point)
    for _ in range(2):
        x = residual(x, condition, 24)
    return keras.Model([point, step], layers.Dense(2)(x))


def train(model, log):
    optimizer = keras.optimizers.Adam(5e-3, use_ema=True, ema_momentum=0.8)
    model.compile(optimizer=optimizer, loss="mse", jit_compile=True)
    for noise, times in zip(NOISE, TIMES):
        signal = SIGNAL[times][:, None]
        noisy = np.sqrt(signal) * CLEAN + np.sqrt(1 - signal) * noise
        log(model.train_on_batch([noisy, times], noise))
    optimizer.finalize_variable_values(model.trainable_variables)

    x = ops.convert_to_tensor(NOISE[0])
    for step in reversed(range(STEPS)):
        predicted = model([x, ops.full((ROWS,), step)], training=False)
        x = (x - BETAS[step] / np.sqrt(1 - SIGNAL[step]) * predicted) / np.sqrt(1 - BETAS[step])
    return ops.convert_to_numpy(x)
