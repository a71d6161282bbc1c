"""Recurrent cells of one's own in RNN and Bidirectional: several states, masks, initial states

A minimal gated unit and a cell with two states learn the parity of masked sequences.
"""

import keras
import numpy as np
from keras import layers, ops

DIFFERENCE = (
    "At masked steps, cornu repeats the previous output of the cell. Keras returns its first state "
    "instead, which is not the output of `Clock`; the states are equal."
)

rng = np.random.default_rng(0)
BITS = rng.integers(0, 2, (40, 8, 1)).astype("float32")
LENGTHS = rng.integers(4, 9, 40)
VALID = np.arange(8) < LENGTHS[:, None]
X = np.where(VALID[..., None], BITS, -1).astype("float32")
PARITY = (BITS[..., 0] * VALID).sum(1) % 2


@keras.saving.register_keras_serializable("programs")
class MinimalGatedUnit(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = units

    def build(self, input_shape):
        size = input_shape[-1]
        self.kernel = self.add_weight((size, 2 * self.units), name="kernel")
        self.recurrent = self.add_weight(
            (self.units, 2 * self.units), "orthogonal", name="recurrent"
        )

    def call(self, x, states, training=False):
        (h,) = states
        forget = ops.sigmoid(x @ self.kernel[:, : self.units] + h @ self.recurrent[:, : self.units])
        new = ops.tanh(
            x @ self.kernel[:, self.units :] + (forget * h) @ self.recurrent[:, self.units :]
        )
        h = (1 - forget) * h + forget * new
        return h, [h]

    def get_config(self):
        return {**super().get_config(), "units": self.units}


class Clock(layers.Layer):
    """A leaky average and a count of steps: two states of different sizes."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.state_size = [units, 1]
        self.output_size = units
        self.dense = layers.Dense(units, "tanh")

    def build(self, input_shape):
        self.dense.build((None, input_shape[-1] + self.units))

    def get_initial_state(self, batch_size=None):
        return [ops.ones((batch_size, self.units)) * 0.5, ops.zeros((batch_size, 1))]

    def call(self, x, states):
        average, count = states
        average = 0.7 * average + 0.3 * self.dense(ops.concatenate([x, average], axis=-1))
        count = count + 0.1
        return average * ops.cos(count), [average, count]


def build():
    x = inputs = keras.Input((8, 1))
    x = layers.Masking(mask_value=-1.0)(x)
    x = layers.Bidirectional(layers.RNN(MinimalGatedUnit(6), return_sequences=True))(x)
    x, average, count = layers.RNN(Clock(5), return_state=True)(x)
    x = layers.Concatenate()([x, average, count])
    return keras.Model(inputs, layers.Dense(1, "sigmoid")(x))


def train(model, log):
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    model.fit(X, PARITY, batch_size=20, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    return model.predict(X, verbose=0), model.evaluate(X, PARITY, verbose=0)
