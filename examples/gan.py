"""A generative adversarial network (GAN) that generates digits.

The training step is written in imperative style: it computes gradients with
`cornu.value_and_grad`, applies an optimizer to each of the two models, and updates a metric. cornu
compiles it to a pure function.

References: Ian Goodfellow et al. (2014), "Generative Adversarial Networks", arXiv 1406.2661.
"""

import numpy as np

import cornu
from cornu import layers, ops


def make_generator(size):
    """Returns a model that maps `size` random numbers to an image."""
    noise = cornu.Input((size,))
    x = layers.Dense(128, activation="leaky_relu")(noise)
    x = layers.Dense(128, activation="leaky_relu")(layers.BatchNormalization()(x))
    return cornu.Model(noise, layers.Dense(64, activation="sigmoid")(x), name="generator")


def make_discriminator():
    """Returns a model that maps an image to a logit: positive for real, negative for generated."""
    image = cornu.Input((64,))
    x = layers.Dense(128, activation="leaky_relu")(image)
    x = layers.Dropout(0.3)(x)
    return cornu.Model(image, layers.Dense(1)(x), name="discriminator")


class GAN(cornu.Model):
    """A generator and a discriminator with a custom `train_step`; the model has no `call`."""

    def __init__(self, size=16):
        super().__init__()
        self.size = size
        self.generator, self.discriminator = make_generator(size), make_discriminator()
        self.fooled = cornu.metrics.Mean(name="fooled")
        self.random = cornu.random.SeedGenerator()

    def compile(self, generator_optimizer, discriminator_optimizer):  # type: ignore[override]
        super().compile(loss=cornu.losses.BinaryCrossentropy(from_logits=True))
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer

    def generate(self, count, training=False):
        noise = cornu.random.normal((count, self.size), seed=self.random)
        return self.generator(noise, training=training)

    def train_step(self, data):
        real = data
        count = len(real)
        ones, zeros = ops.ones((count, 1)), ops.zeros((count, 1))

        def compute_discriminator_loss():
            fake = self.generate(count, training=True)
            # One-sided label smoothing: a target of 0.9 keeps the discriminator from saturating.
            return self.loss(0.9 * ones, self.discriminator(real, training=True)) + self.loss(
                zeros, self.discriminator(fake, training=True)
            )

        weights = self.discriminator.trainable_variables
        discriminator_loss, grads = cornu.value_and_grad(compute_discriminator_loss, weights)()
        self.discriminator_optimizer.apply(grads, weights)

        def compute_generator_loss():
            logits = self.discriminator(self.generate(count, training=True), training=True)
            return self.loss(ones, logits), logits

        weights = self.generator.trainable_variables
        (generator_loss, logits), grads = cornu.value_and_grad(
            compute_generator_loss, weights, has_aux=True
        )()
        self.generator_optimizer.apply(grads, weights)
        self.fooled.update_state(logits > 0)
        return {
            "discriminator_loss": discriminator_loss,
            "generator_loss": generator_loss,
            "fooled": self.fooled.result(),
        }


def to_text(image):
    """Returns the rows of an 8 x 8 image as text."""
    rows = np.asarray(image).reshape(8, 8)
    return ["".join(" .:-=+*#@"[int(value * 8.99)] for value in row) for row in rows]


def main(epochs=150):
    cornu.utils.set_random_seed(0)
    (images, _), _ = cornu.datasets.digits.load_data()
    images = images.reshape(-1, 64).astype("float32") / 16
    model = GAN()
    adam = lambda: cornu.optimizers.Adam(1e-3, beta_1=0.5)  # noqa: E731
    model.compile(generator_optimizer=adam(), discriminator_optimizer=adam())
    history = model.fit(images, batch_size=64, epochs=epochs, verbose=0).history
    for name, values in history.items():
        print(f"{name}: {values[0]:.2f} in the first epoch, {values[-1]:.2f} in the last")
    generated = np.asarray(model.generate(6))
    for lines in zip(*map(to_text, generated), strict=True):
        print("  ".join(lines))
    return generated, images


if __name__ == "__main__":
    main()
