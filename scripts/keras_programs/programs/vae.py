"""`add_loss` in a layer, and a model with two inputs that trains without targets

A variational autoencoder. The noise of the latent variables is an input.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
IMAGES = (rng.uniform(size=(64, 8, 8, 1)) > 0.7).astype("float32")
NOISE = rng.normal(size=(64, 2)).astype("float32")


class Latent(layers.Layer):
    """Samples from the posterior, and adds its divergence from the prior to the loss."""

    def __init__(self, size, beta=1.0, **kwargs):
        super().__init__(**kwargs)
        self.size, self.beta = size, beta
        self.mean = layers.Dense(size, name="mean")
        self.log_var = layers.Dense(size, name="log_var")

    def build(self, features_shape, noise_shape):
        self.mean.build(features_shape)
        self.log_var.build(features_shape)

    def call(self, features, noise):
        mean, log_var = self.mean(features), self.log_var(features)
        divergence = -0.5 * ops.sum(1 + log_var - ops.square(mean) - ops.exp(log_var), axis=-1)
        self.add_loss(self.beta * ops.mean(divergence))
        return mean + ops.exp(0.5 * log_var) * noise


class Reconstruction(layers.Layer):
    """Adds the cross-entropy of the reconstruction to the loss; returns the reconstruction."""

    def call(self, image, logits):
        per_pixel = keras.losses.binary_crossentropy(image, ops.sigmoid(logits))
        self.add_loss(ops.mean(ops.sum(per_pixel, axis=(1, 2))))
        return ops.sigmoid(logits)


def build():
    image = keras.Input((8, 8, 1), name="image")
    noise = keras.Input((2,), name="noise")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(image)
    x = layers.Dense(16, "relu")(layers.Flatten()(x))
    z = Latent(2, beta=0.5, name="latent")(x, noise)
    x = layers.Reshape((4, 4, 4))(layers.Dense(64, "relu")(z))
    logits = layers.Conv2DTranspose(1, 3, strides=2, padding="same")(x)
    return keras.Model([image, noise], Reconstruction()(image, logits), name="vae")


def train(vae, log):
    vae.compile(optimizer=keras.optimizers.Adam(1e-2))
    vae.fit([IMAGES, NOISE], batch_size=64, epochs=10, verbose=0, shuffle=False, callbacks=[log])
    encoder = keras.Model(vae.inputs, vae.get_layer("latent").output)
    return encoder.predict({"image": IMAGES[:8], "noise": NOISE[:8] * 0}, verbose=0)
