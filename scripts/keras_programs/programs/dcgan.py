"""`train_step(state, data)` with BatchNormalization: non-trainable state in both networks

A deep convolutional GAN for images of 8 by 8 pixels, one optimizer for both networks.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:8, :8]
IMAGES = np.sin(rows * rng.uniform(0.5, 1, (32, 1, 1)) + columns)[..., None].astype("float32")
NOISE = rng.normal(size=(32, 8)).astype("float32")


class DCGAN(keras.Model):
    def __init__(self, generator, discriminator):
        super().__init__()
        self.generator = generator
        self.discriminator = discriminator
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)
        self.built = True

    def parts(self, variables, attribute):
        count = len(getattr(self.generator, attribute))
        return variables[:count], variables[count:]

    def losses_of(self, weights, state, images, noise):
        g, d = self.parts(weights, "trainable_variables")
        g_state, d_state = self.parts(state, "non_trainable_variables")
        fakes, g_state = self.generator.stateless_call(g, g_state, noise, training=True)
        both = ops.concatenate([images, jax.lax.stop_gradient(fakes)])
        labels = ops.concatenate([ops.ones((len(images), 1)), ops.zeros((len(images), 1))])
        verdict, d_state = self.discriminator.stateless_call(d, d_state, both, training=True)
        d_loss = self.loss_fn(labels, verdict)
        # The generator's gradients must not reach the discriminator's weights.
        frozen = jax.lax.stop_gradient(d)
        verdict, _ = self.discriminator.stateless_call(frozen, d_state, fakes, training=True)
        g_loss = self.loss_fn(ops.ones_like(verdict), verdict)
        return d_loss + g_loss, (d_loss, g_loss, [*g_state, *d_state])

    def train_step(self, state, data):
        weights, non_trainable, slots, metrics = state
        images, noise = data
        compute = jax.value_and_grad(self.losses_of, has_aux=True)
        (loss, aux), gradients = compute(weights, non_trainable, images, noise)
        d_loss, g_loss, non_trainable = aux
        weights, slots = self.optimizer.stateless_apply(slots, gradients, weights)
        logs = {"loss": loss, "d_loss": d_loss, "g_loss": g_loss}
        return logs, (weights, non_trainable, slots, metrics)


def build():
    generator = keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(2 * 2 * 8, use_bias=False),
            layers.Reshape((2, 2, 8)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(8, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, strides=2, padding="same", activation="tanh"),
        ]
    )
    discriminator = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 4, strides=2, padding="same"),
            layers.LeakyReLU(0.2),
            layers.Conv2D(8, 4, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    return DCGAN(generator, discriminator)


def train(gan, log):
    gan.compile(optimizer=keras.optimizers.Adam(2e-3, beta_1=0.5))
    gan.fit(IMAGES, NOISE, batch_size=32, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    return gan.generator.predict(NOISE, verbose=0), gan.discriminator(IMAGES, training=False)
