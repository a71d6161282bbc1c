"""FeatureSpace: categories, crossed and hashed features; a model on its encoded features

A table with numbers, strings and integers.
"""

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from keras.utils import FeatureSpace

rng = np.random.default_rng(0)
ROWS = 64
TABLE = {
    "age": rng.integers(18, 80, ROWS),
    "income": rng.lognormal(3, 0.5, ROWS).astype("float32"),
    "city": rng.choice(["Rome", "Oslo", "Lima"], ROWS),
    "plan": rng.integers(0, 4, ROWS),
    "code": rng.choice([f"c{i}" for i in range(30)], ROWS),
}
TARGET = (TABLE["age"] > 45) ^ (TABLE["city"] == "Oslo")


def rows(count=ROWS):
    return {name: column[:count] for name, column in TABLE.items()}


space = FeatureSpace(
    features={
        "age": FeatureSpace.float_discretized(num_bins=6),
        "income": FeatureSpace.float_normalized(),
        "city": FeatureSpace.string_categorical(num_oov_indices=1),
        "plan": FeatureSpace.integer_categorical(num_oov_indices=0, output_mode="one_hot"),
        "code": FeatureSpace.string_hashed(num_bins=8),
    },
    crosses=[FeatureSpace.cross(("city", "plan"), crossing_dim=12)],
    output_mode="concat",
)


def build():
    space.adapt(tf.data.Dataset.from_tensor_slices(rows()).batch(16))
    features = space.get_encoded_features()
    x = layers.Dense(16, "relu")(features)
    return keras.Model(features, layers.Dense(1, "sigmoid")(x))


def train(model, log):
    model.compile("adam", "binary_crossentropy", metrics=["binary_accuracy"])
    encoded = np.asarray(space(rows()))
    labels = TARGET.astype("float32")[:, None]
    dataset = tf.data.Dataset.from_tensor_slices((rows(), labels)).batch(32)
    dataset = dataset.map(lambda row, label: (space(row), label))
    model.fit(dataset, epochs=10, verbose=0, callbacks=[log])
    return encoded, model.evaluate(dataset, verbose=0)
