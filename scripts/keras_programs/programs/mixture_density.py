"""A loss function of several parameters in one output: `logsumexp`, `split`, MeanMetricWrapper

A mixture density network for data whose inverse is not a function.
"""

import math

import keras
import numpy as np
from keras import layers, ops

COMPONENTS = 4
rng = np.random.default_rng(0)
T = rng.uniform(-1, 1, (96, 1)).astype("float32")
X = (T + 0.3 * np.sin(6 * T) + rng.normal(0, 0.05, T.shape)).astype("float32") * 5 + 3


def negative_log_likelihood(y, parameters):
    logits, mean, log_scale = ops.split(parameters, 3, axis=-1)
    z = (y - mean) * ops.exp(-log_scale)
    log_density = -0.5 * ops.square(z) - log_scale - 0.5 * math.log(2 * math.pi)
    return -ops.logsumexp(ops.log_softmax(logits) + log_density, axis=-1)


def expected(parameters):
    logits, mean, _ = ops.split(parameters, 3, axis=-1)
    return ops.sum(ops.softmax(logits) * mean, axis=-1, keepdims=True)


class MeanError(keras.metrics.MeanMetricWrapper):
    """The mean absolute error of the expectation of the mixture."""

    def __init__(self, name="mean_error"):
        super().__init__(lambda y, p: ops.mean(ops.abs(y - expected(p)), -1), name=name)


def build():
    normalize = layers.Normalization()
    normalize.adapt(X)
    return keras.Sequential(
        [
            keras.Input((1,)),
            normalize,
            layers.Dense(24, activation=ops.tanh, kernel_initializer="lecun_normal"),
            layers.Dense(24, activation=keras.activations.mish),
            layers.Dense(3 * COMPONENTS, bias_initializer=keras.initializers.RandomUniform(-1, 1)),
        ]
    )


def train(model, log):
    model.compile(
        optimizer=keras.optimizers.Lion(3e-3), loss=negative_log_likelihood, metrics=[MeanError()]
    )
    model.fit(X, T, batch_size=32, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    return model.evaluate(X, T, batch_size=40, verbose=0), expected(model.predict(X, verbose=0))
