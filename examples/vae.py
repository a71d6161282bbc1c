"""A variational autoencoder with a two-dimensional latent space of digits.

A custom layer samples the latent vector from the distribution that the encoder computes, and adds
the Kullback-Leibler divergence from the standard normal distribution to the loss. The model is
trained with compile and fit.

References: Diederik P. Kingma, Max Welling (2014), "Auto-Encoding Variational Bayes".
"""

import numpy as np

import cornu
from cornu import layers, ops


class Sampling(layers.Layer):
    """Samples from the normal distribution with a given mean and logarithm of the variance."""

    def __init__(self, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.random = cornu.random.SeedGenerator()

    def call(self, inputs, training=False):
        mean, log_variance = inputs
        # The Kullback-Leibler divergence from the standard normal distribution, in closed form.
        kl = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - 1 - log_variance, axis=-1)
        self.add_loss(self.weight * ops.mean(kl))
        if not training:
            return mean
        noise = cornu.random.normal(ops.shape(mean), seed=self.random)
        return mean + ops.exp(0.5 * log_variance) * noise


def encoder(size):
    image = cornu.Input((64,), name="image")
    x = layers.Dense(64, activation="relu")(image)
    mean = layers.Dense(size, name="mean")(x)
    log_variance = layers.Dense(size, name="log_variance")(x)
    # The reconstruction loss is a mean over 64 pixels instead of a sum: scale the KL term equally.
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
    losses = history["val_loss"]
    print(f"validation loss: {losses[0]:.4f} in the first epoch, {losses[-1]:.4f} in the last")

    points = encode.predict(test)
    for digit in range(10):
        across, up = points[digits == digit].mean(axis=0)
        print(f"mean of digit {digit} in latent space: ({across:+.1f}, {up:+.1f})")

    # Decode points on a diagonal of the latent space.
    line = np.linspace(-1.5, 1.5, 6)[:, None].repeat(size, axis=1)
    for row in decode.predict(line).reshape(6, 8, 8).transpose(1, 0, 2):
        print("  ".join("".join(" .:-=+*#@"[int(v * 8.99)] for v in part) for part in row))
    return history, points, digits


if __name__ == "__main__":
    main()
