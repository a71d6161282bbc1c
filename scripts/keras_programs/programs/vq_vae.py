"""A codebook: `stop_gradient`, the straight-through estimator, `add_loss`, a metric in a layer

A vector-quantized autoencoder of small images.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
IMAGES = (rng.uniform(size=(4, 8, 8, 1)) > 0.5)[rng.integers(0, 4, 40)]
IMAGES = np.where(rng.uniform(size=IMAGES.shape) < 0.05, ~IMAGES, IMAGES).astype("float32")


class Codebook(layers.Layer):
    """Replaces each vector by the nearest of a learned set."""

    def __init__(self, count, size, commitment=0.25, **kwargs):
        super().__init__(**kwargs)
        self.count, self.size, self.commitment = count, size, commitment
        self.codes = self.add_weight(
            shape=(count, size), initializer=keras.initializers.RandomNormal(0, 0.5), name="codes"
        )

    def nearest(self, flat):
        distance = (
            ops.sum(ops.square(flat), axis=1, keepdims=True)
            - 2 * ops.matmul(flat, ops.transpose(self.codes))
            + ops.sum(ops.square(self.codes), axis=1)
        )
        return ops.argmin(distance, axis=1)

    def call(self, x):
        flat = ops.reshape(x, (-1, self.size))
        quantized = ops.reshape(ops.take(self.codes, self.nearest(flat), axis=0), ops.shape(x))
        self.add_loss(self.commitment * ops.mean(ops.square(ops.stop_gradient(quantized) - x)))
        self.add_loss(ops.mean(ops.square(quantized - ops.stop_gradient(x))))
        return x + ops.stop_gradient(quantized - x)


def build():
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Conv2D(4, 1, name="vectors")(x)
    quantized = Codebook(12, 4, name="codebook")(x)
    x = layers.Conv2DTranspose(8, 3, strides=2, padding="same", activation="relu")(quantized)
    return keras.Model(image, layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x))


def train(model, log):
    model.compile(keras.optimizers.Adam(0.01), keras.losses.MeanSquaredError(), metrics=["mae"])
    model.fit(IMAGES, IMAGES, batch_size=20, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    vectors = keras.Model(model.input, model.get_layer("vectors").output)
    flat = vectors.predict(IMAGES, verbose=0).reshape(-1, 4)
    indices = ops.convert_to_numpy(model.get_layer("codebook").nearest(flat))
    return np.bincount(indices, minlength=12), model.evaluate(IMAGES, IMAGES, verbose=0)
