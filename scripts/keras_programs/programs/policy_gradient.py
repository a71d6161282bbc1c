"""Gradients of an episode's return: a model with two heads, `jax.grad`, `optimizer.apply`

An actor and critic learn to balance a point. Random numbers are those of NumPy.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

STEPS = 16
DIFFERENCE = (
    "The sum of a loss over predictions of shape (batch,) has a term for each sample. Keras takes "
    "the batch for the features of one sample."
)


class Balance:
    """A point on a line is pushed; the farther from the center, the lower the reward."""

    def __init__(self, rng):
        self.rng = rng
        self.state = rng.uniform(-0.5, 0.5, 2)

    def step(self, action):
        position, speed = self.state
        speed = 0.9 * speed + 0.2 * (action - 1) + self.rng.normal(0, 0.02)
        self.state = np.array([position + speed, speed])
        return 1.0 - abs(self.state[0])


def build():
    observation = keras.Input((2,))
    x = layers.Dense(16, "tanh", kernel_initializer="glorot_normal")(observation)
    policy = layers.Dense(3, "softmax", name="policy")(x)
    value = layers.Dense(1, name="value")(layers.Dense(8, "relu")(x))
    return keras.Model(observation, [policy, value])


def train(model, log):
    rng = np.random.default_rng(0)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.02, 5, 0.9))
    optimizer.build(model.trainable_variables)
    huber = keras.losses.Huber(reduction="sum")

    def loss_of(weights, observations, actions, returns):
        (policy, value), _ = model.stateless_call(weights, [], observations)
        value = ops.squeeze(value, -1)
        chosen = ops.take_along_axis(policy, actions[:, None], axis=1)[:, 0]
        advantage = jax.lax.stop_gradient(returns - value)
        entropy = -ops.sum(policy * ops.log(policy + 1e-8))
        actor = -ops.sum(ops.log(chosen) * advantage)
        return (actor + huber(returns, value) - 0.01 * entropy) / STEPS

    compute = jax.jit(jax.value_and_grad(loss_of))
    rewards_of_episodes = []
    for _ in range(10):
        balance, observations, actions, rewards = Balance(rng), [], [], []
        for _ in range(STEPS):
            observation = balance.state.astype("float32")
            policy, _ = model(observation[None])
            # Sampling by the cumulative distribution.
            action = int(np.searchsorted(np.cumsum(np.asarray(policy[0])), rng.uniform() * 0.9999))
            observations.append(observation)
            actions.append(action)
            rewards.append(balance.step(action))
        returns = np.zeros(STEPS, "float32")
        total = 0.0
        for index in reversed(range(STEPS)):
            returns[index] = total = rewards[index] + 0.9 * total
        returns = (returns - returns.mean()) / (returns.std() + 1e-6)
        loss, gradients = compute(
            [v.value for v in model.trainable_variables],
            np.stack(observations),
            np.array(actions),
            returns,
        )
        optimizer.apply(gradients, model.trainable_variables)
        rewards_of_episodes.append(sum(rewards))
        log(loss)
    return rewards_of_episodes, model.predict(np.eye(2, dtype="float32"), verbose=0)
