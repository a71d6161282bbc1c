"""Bags of instances: a layer that returns two outputs, a mask as an input, and class weights

Attention decides which instance of a bag makes it positive.
"""

import keras
import numpy as np
from keras import layers, ops

BAG, FEATURES = 6, 5
rng = np.random.default_rng(0)
X = rng.normal(size=(48, BAG, FEATURES)).astype("float32")
LABELS = (rng.uniform(size=48) < 0.3).astype("int32")
KEY = rng.integers(0, 3, 48)
X[np.arange(48), KEY] += 2.5 * LABELS[:, None]
PRESENT = np.arange(BAG)[None] < rng.integers(3, BAG + 1, (48, 1))


class GatedAttention(layers.Layer):
    """Pools over instances; returns the pooled features and the weights."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, x_shape, present_shape):
        size = x_shape[-1]
        make = {"initializer": "glorot_uniform", "regularizer": keras.regularizers.L2(1e-3)}
        self.content = self.add_weight(shape=(size, self.units), name="content", **make)
        self.gate = self.add_weight(shape=(size, self.units), name="gate", **make)
        self.score = self.add_weight(shape=(self.units, 1), name="score", **make)

    def call(self, x, present):
        hidden = ops.tanh(x @ self.content) * ops.sigmoid(x @ self.gate)
        score = ops.where(present[..., None], hidden @ self.score, -1e9)
        weights = ops.softmax(score, axis=1)
        return ops.einsum("bif,bij->bf", x, weights), ops.squeeze(weights, -1)


def build():
    bag = keras.Input((BAG, FEATURES), name="bag")
    present = keras.Input((BAG,), dtype="bool", name="present")
    x = layers.Dense(8, "relu")(bag)
    pooled, weights = GatedAttention(6, name="attention")(x, present)
    output = layers.Dense(2, "softmax", name="verdict")(pooled)
    model = keras.Model([bag, present], output)
    model.explanation = keras.Model([bag, present], weights)
    return model


def train(model, log):
    model.compile("adam", "sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    model.fit(
        [X, PRESENT],
        LABELS,
        batch_size=16,
        epochs=10,
        shuffle=False,
        class_weight={0: 0.7, 1: 2.0},
        verbose=0,
        callbacks=[log],
    )
    return model.explanation.predict([X, PRESENT], verbose=0), model.evaluate(
        [X, PRESENT], LABELS, verbose=0
    )
