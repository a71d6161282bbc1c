"""`train_step` and `test_step` with the state of Keras on JAX; metrics of the model itself

A classifier that trains on mixed pairs of rows, and on its own metrics.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 60)
X = (rng.normal(size=(3, 8))[LABELS] + rng.normal(0, 0.7, (60, 8))).astype("float32")
Y = keras.utils.to_categorical(LABELS, 3)


class MixupClassifier(keras.Model):
    def __init__(self, share, **kwargs):
        super().__init__(**kwargs)
        self.share = share
        self.hidden = layers.Dense(16, use_bias=False)
        self.norm = layers.BatchNormalization(momentum=0.7)
        self.head = layers.Dense(3, activation="softmax")
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.accuracy = keras.metrics.CategoricalAccuracy(name="accuracy")

    def call(self, x, training=False):
        return self.head(ops.relu(self.norm(self.hidden(x), training=training)))

    @property
    def metrics(self):
        return [self.loss_tracker, self.accuracy]

    def loss_and_updates(self, trainable, non_trainable, x, y, training):
        y_pred, non_trainable, losses = self.stateless_call(
            trainable, non_trainable, x, training=training, return_losses=True
        )
        loss = ops.mean(keras.losses.categorical_crossentropy(y, y_pred)) + sum(losses)
        return loss, (y_pred, non_trainable)

    def update_metrics(self, values, loss, y, y_pred):
        tracked, rest = values[: len(self.loss_tracker.variables)], values[2:]
        tracked = self.loss_tracker.stateless_update_state(tracked, loss)
        rest = self.accuracy.stateless_update_state(rest, y, y_pred)
        logs = {
            "loss": self.loss_tracker.stateless_result(tracked),
            "accuracy": self.accuracy.stateless_result(rest),
        }
        return logs, tracked + rest

    def train_step(self, state, data):
        trainable, non_trainable, slots, metrics = state
        x, y = data
        x = self.share * x + (1 - self.share) * ops.flip(x, axis=0)
        y = self.share * y + (1 - self.share) * ops.flip(y, axis=0)
        compute = jax.value_and_grad(self.loss_and_updates, has_aux=True)
        (loss, (y_pred, non_trainable)), gradients = compute(
            trainable, non_trainable, x, y, training=True
        )
        trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        logs, metrics = self.update_metrics(metrics, loss, y, y_pred)
        return logs, (trainable, non_trainable, slots, metrics)

    def test_step(self, state, data):
        trainable, non_trainable, metrics = state
        x, y = data
        loss, (y_pred, _) = self.loss_and_updates(trainable, non_trainable, x, y, training=False)
        logs, metrics = self.update_metrics(metrics, loss, y, y_pred)
        return logs, (trainable, non_trainable, metrics)


def build():
    model = MixupClassifier(share=0.8)
    model(X[:1])
    return model


def train(model, log):
    model.compile(optimizer=keras.optimizers.Nadam(0.01))
    history = model.fit(
        X,
        Y,
        batch_size=20,
        epochs=10,
        shuffle=False,
        validation_data=(X, Y),
        verbose=0,
        callbacks=[log],
    )
    return history.history["val_loss"], history.history["accuracy"], model.predict(X, verbose=0)
