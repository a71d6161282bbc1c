"""Two optimizers in a loop of one's own: `stateless_call` and `stateless_apply`

A generative adversarial network learns points on a circle. Both networks train in one compiled
step.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
angles = rng.uniform(0, 2 * np.pi, (10, 32))
REAL = np.stack([np.cos(angles), np.sin(angles)], -1).astype("float32")
NOISE = rng.normal(size=(10, 32, 4)).astype("float32")

cross_entropy = keras.losses.BinaryCrossentropy(from_logits=True)


def build():
    generator = keras.Sequential(
        [keras.Input((4,)), layers.Dense(16, "relu"), layers.Dense(16, "relu"), layers.Dense(2)]
    )
    discriminator = keras.Sequential(
        [keras.Input((2,)), layers.Dense(16), layers.LeakyReLU(negative_slope=0.2), layers.Dense(1)]
    )
    return generator, discriminator


def train(generator, discriminator, log):
    g_optimizer = keras.optimizers.Adam(1e-3, beta_1=0.5)
    d_optimizer = keras.optimizers.Adam(2e-3, beta_1=0.5)
    g_optimizer.build(generator.trainable_variables)
    d_optimizer.build(discriminator.trainable_variables)

    def generate(weights, noise):
        return generator.stateless_call(weights, [], noise)[0]

    def judge(weights, points):
        return discriminator.stateless_call(weights, [], points)[0]

    def d_loss(d_weights, g_weights, real, noise):
        on_real = judge(d_weights, real)
        on_fake = judge(d_weights, generate(g_weights, noise))
        # One-sided label smoothing.
        return cross_entropy(0.9 * ops.ones_like(on_real), on_real) + cross_entropy(
            ops.zeros_like(on_fake), on_fake
        )

    def g_loss(g_weights, d_weights, noise):
        verdict = judge(d_weights, generate(g_weights, noise))
        return cross_entropy(ops.ones_like(verdict), verdict)

    @jax.jit
    def step(state, real, noise):
        g, g_slots, d, d_slots = state
        loss_d, gradients = jax.value_and_grad(d_loss)(d, g, real, noise)
        d, d_slots = d_optimizer.stateless_apply(d_slots, gradients, d)
        loss_g, gradients = jax.value_and_grad(g_loss)(g, d, noise)
        g, g_slots = g_optimizer.stateless_apply(g_slots, gradients, g)
        return loss_d + loss_g, (g, g_slots, d, d_slots)

    state = tuple(
        [variable.value for variable in variables]
        for variables in (
            generator.trainable_variables,
            g_optimizer.variables,
            discriminator.trainable_variables,
            d_optimizer.variables,
        )
    )
    for real, noise in zip(REAL, NOISE):
        loss, state = step(state, real, noise)
        log(loss)
    for variable, value in zip(generator.trainable_variables, state[0]):
        variable.assign(value)
    return generator.predict(NOISE[0], verbose=0)
