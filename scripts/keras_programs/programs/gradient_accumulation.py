"""`gradient_accumulation_steps`, and accumulation by Variables of a model's own in `train_step`

Several small batches give one update.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 5)).astype("float32")
Y = (np.abs(X).sum(1, keepdims=True) - 4).astype("float32")
EVERY = 3


class Accumulating(keras.Model):
    """Adds gradients up in non-trainable Variables, and applies them every third step."""

    def prepare(self):
        self.count = self.add_weight((), "zeros", dtype="int32", trainable=False, name="count")
        self.sums = [
            self.add_weight(v.shape, "zeros", trainable=False, name=f"sum_{index}")
            for index, v in enumerate(self.trainable_variables)
        ]

    def train_step(self, state, data):
        trainable, non_trainable, slots, metrics = state
        x, y = data

        def loss_of(weights):
            y_pred, updates = self.stateless_call(weights, non_trainable, x, training=True)
            return self.compute_loss(x, y, y_pred), updates

        (loss, _), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        count, sums = non_trainable[0] + 1, non_trainable[1:]
        sums = [a + g / EVERY for a, g in zip(sums, gradients)]
        is_due = count % EVERY == 0

        def apply(weights, slots):
            return self.optimizer.stateless_apply(slots, sums, weights)

        trainable, slots = jax.lax.cond(
            is_due, apply, lambda weights, slots: (weights, slots), trainable, slots
        )
        sums = [ops.where(is_due, ops.zeros_like(a), a) for a in sums]
        logs = {"loss": loss, "steps": count}
        return logs, (trainable, [count, *sums], slots, metrics)


def build():
    x = keras.Input((5,))
    own = Accumulating(x, layers.Dense(1)(layers.Dense(12, "relu")(x)))
    own.prepare()
    keras_model = keras.Sequential([keras.Input((5,)), layers.Dense(12, "relu"), layers.Dense(1)])
    return own, keras_model


def train(own, keras_model, log):
    options = dict(batch_size=8, epochs=6, shuffle=False, verbose=0, callbacks=[log])
    own.compile(optimizer=keras.optimizers.RMSprop(0.01), loss="mse")
    own.fit(X, Y, **options)
    keras_model.compile(
        optimizer=keras.optimizers.RMSprop(0.01, gradient_accumulation_steps=EVERY), loss="mse"
    )
    keras_model.fit(X, Y, **options)
    updates = [int(model.optimizer.iterations) for model in (own, keras_model)]
    return updates, own.predict(X, verbose=0), keras_model.get_weights()
