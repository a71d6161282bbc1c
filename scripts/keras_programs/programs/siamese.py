"""One encoder called on two inputs, a Lambda layer and a loss function of one's own

A siamese network learns whether two small signals have the same frequency.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
frequency = rng.integers(1, 4, (2, 64))
time = np.linspace(0, 2 * np.pi, 32)
SIGNALS = np.sin(frequency[..., None] * time + rng.uniform(0, 6, (2, 64, 1))).astype("float32")
SAME = (frequency[0] == frequency[1]).astype("float32")


def contrastive_loss(margin):
    def loss(same, distance):
        near = same * ops.square(distance)
        far = (1 - same) * ops.square(ops.maximum(margin - distance, 0.0))
        return ops.mean(near + far, axis=-1)

    return loss


def distance(pair):
    a, b = pair
    squared = ops.sum(ops.square(a - b), axis=1, keepdims=True)
    return ops.sqrt(ops.maximum(squared, keras.config.epsilon()))


def is_right(same, distance):
    return ops.equal(same, ops.cast(distance < 0.5, same.dtype))


def build():
    encoder = keras.Sequential(
        [
            keras.Input((32, 1)),
            layers.Conv1D(8, 5, activation="tanh"),
            layers.AveragePooling1D(2),
            layers.Conv1D(8, 3, activation="tanh"),
            layers.GlobalMaxPooling1D(),
            layers.Dense(8),
            layers.UnitNormalization(),
        ],
        name="encoder",
    )
    left, right = keras.Input((32, 1), name="left"), keras.Input((32, 1), name="right")
    gap = layers.Lambda(distance, output_shape=(1,))([encoder(left), encoder(right)])
    return keras.Model(inputs=[left, right], outputs=gap)


def train(model, log):
    model.compile(loss=contrastive_loss(margin=1.0), optimizer="nadam", metrics=[is_right])
    history = model.fit(
        {"left": SIGNALS[0], "right": SIGNALS[1]},
        SAME,
        batch_size=32,
        epochs=10,
        shuffle=False,
        validation_split=0.25,
        verbose=0,
        callbacks=[log],
    )
    return {key: history.history[key] for key in ("val_loss", "is_right", "val_is_right")}
