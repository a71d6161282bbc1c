"""`train_step(state, data)` with a gradient of gradients, and Mean metrics updated statelessly

A Wasserstein GAN whose critic is penalized by its gradients. The critic trains by the optimizer of
the model, the generator by gradient descent.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
REAL = rng.normal(2.0, 0.5, (64, 3)).astype("float32")
NOISE = rng.normal(size=(64, 5)).astype("float32")
MIX = rng.uniform(size=(64, 1)).astype("float32")


class WGAN(keras.Model):
    def __init__(self, generator, critic, penalty=10.0):
        super().__init__()
        self.generator, self.critic, self.penalty = generator, critic, penalty
        self.critic_loss = keras.metrics.Mean(name="critic_loss")
        self.total = keras.metrics.Mean(name="loss")
        self.built = True

    def compile(self, optimizer, g_rate, **kwargs):
        super().compile(optimizer=optimizer, **kwargs)
        self.g_rate = g_rate

    @property
    def metrics(self):
        return [self.total, self.critic_loss]

    def split(self, weights):
        count = len(self.generator.trainable_variables)
        return weights[:count], weights[count:]

    def loss_of_critic(self, c, g, real, noise, mix):
        fake, _ = self.generator.stateless_call(g, [], noise)

        def criticize(points):
            return self.critic.stateless_call(c, [], points)[0]

        slopes = jax.grad(lambda points: ops.sum(criticize(points)))(mix * real + (1 - mix) * fake)
        penalty = ops.mean((ops.norm(slopes, axis=-1) - 1) ** 2)
        return ops.mean(criticize(fake)) - ops.mean(criticize(real)) + self.penalty * penalty

    def loss_of_generator(self, g, c, noise):
        fake, _ = self.generator.stateless_call(g, [], noise)
        return -ops.mean(self.critic.stateless_call(c, [], fake)[0])

    def train_step(self, state, data):
        weights, other, slots, metrics = state
        real, noise, mix = data[0]
        g, c = self.split(weights)
        c_loss, gradients = jax.value_and_grad(self.loss_of_critic)(c, g, real, noise, mix)
        # The optimizer has slots for the generator's weights too; their gradients are zero.
        gradients = [*map(ops.zeros_like, g), *gradients]
        weights, slots = self.optimizer.stateless_apply(slots, gradients, weights)
        g, c = self.split(weights)
        g_loss, gradients = jax.value_and_grad(self.loss_of_generator)(g, c, noise)
        g = [w - self.g_rate * gradient for w, gradient in zip(g, gradients)]
        new_metrics, logs = [], {}
        for metric, value in zip(self.metrics, (c_loss + g_loss, c_loss)):
            count = len(metric.variables)
            updated = metric.stateless_update_state(metrics[:count], value)
            metrics = metrics[count:]
            new_metrics += updated
            logs[metric.name] = metric.stateless_result(updated)
        return logs, ([*g, *c], other, slots, new_metrics)


def build():
    generator = keras.Sequential([keras.Input((5,)), layers.Dense(16, "silu"), layers.Dense(3)])
    critic = keras.Sequential([keras.Input((3,)), layers.Dense(16, "silu"), layers.Dense(1)])
    return WGAN(generator, critic)


def train(gan, log):
    gan.compile(keras.optimizers.RMSprop(1e-3), g_rate=0.01)
    data = (REAL, NOISE, MIX)
    gan.fit(x=data, epochs=10, batch_size=64, shuffle=False, verbose=0, callbacks=[log])
    return gan.generator.predict(NOISE, verbose=0)
