"""A LearningRateSchedule subclass, the schedules of Keras, and LearningRateScheduler

Two short fits with different rates; the rates themselves are compared, too.
"""

import math

import keras
import numpy as np
from keras import layers, ops
from keras.optimizers import schedules

rng = np.random.default_rng(0)
X = rng.normal(size=(40, 5)).astype("float32")
Y = np.sin(X.sum(1, keepdims=True)).astype("float32")


@keras.saving.register_keras_serializable("programs")
class WarmupThenRoot(schedules.LearningRateSchedule):
    """A linear rise to `peak`, then a decay by the square root of the step."""

    def __init__(self, peak, warmup):
        super().__init__()
        self.peak, self.warmup = peak, warmup

    def __call__(self, step):
        step = ops.cast(step, "float32") + 1.0
        return self.peak * ops.minimum(step / self.warmup, ops.sqrt(self.warmup / step))

    def get_config(self):
        return {"peak": self.peak, "warmup": self.warmup}


def build():
    return keras.Sequential([keras.Input((5,)), layers.Dense(16, "tanh"), layers.Dense(1)])


def train(model, log):
    optimizer = keras.optimizers.SGD(WarmupThenRoot(0.2, warmup=6), momentum=0.9, clipnorm=1.0)
    model.compile(optimizer, "mse")
    options = dict(batch_size=20, shuffle=False, verbose=0)
    model.fit(X, Y, epochs=6, callbacks=[log], **options)
    copy = keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))
    config = copy.get_config()["learning_rate"]["config"]

    model.compile(keras.optimizers.Adam(0.01), "mse")
    wave = keras.callbacks.LearningRateScheduler(
        lambda epoch, rate: 0.01 * (1 + math.cos(epoch)) if epoch else rate
    )
    history = model.fit(X, Y, epochs=6, callbacks=[wave, log], **options)
    rates = [
        [float(schedule(step)) for step in range(0, 30, 3)]
        for schedule in (
            schedules.CosineDecayRestarts(
                0.1, first_decay_steps=8, t_mul=1.5, m_mul=0.8, alpha=0.1
            ),
            schedules.CosineDecay(0.01, 20, alpha=0.1, warmup_target=0.2, warmup_steps=5),
            schedules.PolynomialDecay(0.1, 7, 0.01, power=2.0, cycle=True),
            schedules.ExponentialDecay(0.1, 4, 0.5, staircase=True),
            WarmupThenRoot(0.2, 6),
        )
    ]
    return rates, config, history.history["learning_rate"]
