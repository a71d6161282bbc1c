"""A variational autoencoder: digits as points of a plane, from which new digits are drawn.

A layer of one's own draws a random point near the one that the encoder found, and adds to the loss
how far the points are from a bell curve around zero. Everything else is a model like any other,
with compile, fit and predict.

References: Diederik P. Kingma, Max Welling (2014), "Auto-Encoding Variational Bayes".
"""

import numpy as np

import cornu
from cornu import layers, ops


class Sampling(layers.Layer):
    """Draws a point from the bell curve with a given mean and logarithm of the variance."""

    def __init__(self, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.random = cornu.random.SeedGenerator()

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        # The Kullback-Leibler divergence from the standard bell curve, of each row.
        apart = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - 1 - log_variance, axis=-1)
        self.add_loss(self.weight * ops.mean(apart))
        if not training:
            return mean
        noise = cornu.random.normal(ops.shape(mean), seed=self.random)
        return mean + ops.exp(0.5 * log_variance) * noise


def encoder(size):
    image = cornu.Input((64,), name="image")
    x = layers.Dense(64, activation="relu")(image)
    mean = layers.Dense(size, name="mean")(x)
    log_variance = layers.Dense(size, name="log_variance")(x)
    # The loss below is the mean over 64 pixels, so that this one gets a 64th, too.
    return cornu.Model(image, Sampling(1 / 64)([mean, log_variance]), name="encoder")


def decoder(size):
    point = cornu.Input((size,), name="point")
    x = layers.Dense(64, activation="relu")(point)
    return cornu.Model(point, layers.Dense(64, activation="sigmoid")(x), name="decoder")


def main(epochs=60, size=2):
    cornu.utils.set_random_seed(0)
    (images, _), (test, digits) = cornu.datasets.digits.load_data()
    images, test = (part.reshape(-1, 64).astype("float32") / 16 for part in (images, test))
    encode, decode = encoder(size), decoder(size)
    image = cornu.Input((64,))
    model = cornu.Model(image, decode(encode(image)), name="autoencoder")
    model.compile(cornu.optimizers.Adam(3e-3), "binary_crossentropy")
    history = model.fit(
        images, images, epochs=epochs, batch_size=64, validation_data=(test, test), verbose=0
    ).history
    print(f"loss: {history['val_loss'][0]:.4f} at first, {history['val_loss'][-1]:.4f} at last")

    points = encode.predict(test)
    for digit in range(10):
        across, up = points[digits == digit].mean(axis=0)
        print(f"digit {digit} lies around ({across:+.1f}, {up:+.1f})")

    # A row of digits on the way from one corner of the plane to the other.
    way = np.linspace(-1.5, 1.5, 6)[:, None].repeat(size, axis=1)
    for row in decode.predict(way).reshape(6, 8, 8).transpose(1, 0, 2):
        print("  ".join("".join(" .:-=+*#@"[int(v * 8.99)] for v in part) for part in row))
    return history, points, digits


if __name__ == "__main__":
    main()
