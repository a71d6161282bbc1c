"""StatelessScope: a custom training loop in which any code reads and assigns Variables purely

Gradients by JAX of a function that calls layers, metrics and losses as objects with a state.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 6)).astype("float32")
LABELS = (X[:, 0] * X[:, 1] > 0).astype("int32")


class Network:
    """An object that is not a layer, with layers and a Variable."""

    def __init__(self):
        self.hidden = layers.Dense(8, "relu")
        self.norm = layers.BatchNormalization(momentum=0.7)
        self.out = layers.Dense(2)
        self.scale = keras.Variable(1.5, name="scale")
        self.calls = keras.Variable(0, trainable=False, dtype="int32", name="calls")

    def __call__(self, x, training=False):
        self.calls.assign_add(1)
        x = self.norm(self.hidden(x), training=training)
        return self.out(x) * self.scale


def build():
    network = Network()
    x = keras.Input((6,))
    h = network.norm(network.hidden(x))
    model = keras.Model(x, network.out(h))
    model.network = network
    return model


def train(model, log):
    network = model.network
    trained = [*model.trainable_variables, network.scale]
    state = [*model.non_trainable_variables, network.calls]
    loss_fn = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def loss_of(values, states, x, y):
        mapping = list(zip([*trained, *state], [*values, *states]))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            loss = loss_fn(y, network(x, training=True))
        return loss, [scope.get_current_value(v) for v in state]

    gradient = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(trained)
    for step in range(12):
        rows = slice(16 * (step % 3), 16 * (step % 3) + 16)
        values, states = [v.value for v in trained], [v.value for v in state]
        (loss, states), gradients = gradient(values, states, X[rows], LABELS[rows])
        optimizer.apply(gradients, trained)
        for variable, value in zip(state, states):
            variable.assign(value)
        log(loss)
    logits = ops.convert_to_numpy(network(X))
    return logits, int(network.calls.value), float(network.scale.value)
