"""Contrastive learning of two views in `train_step`, then a linear probe on frozen features

Views are shifted images with noise; both are data.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 32)
IMAGES = rng.normal(size=(3, 8, 8, 1))[LABELS]
VIEWS = [
    (np.roll(IMAGES, shift, axis=(1, 2)) + rng.normal(0, 0.3, IMAGES.shape)).astype("float32")
    for shift in ((0, 1), (1, 0))
]


class SimCLR(keras.Model):
    def __init__(self, encoder, projection, temperature=0.2):
        super().__init__()
        self.encoder, self.projection, self.temperature = encoder, projection, temperature
        self.tracker = keras.metrics.Mean(name="loss")

    def call(self, x, training=None):
        return self.projection(self.encoder(x, training=training), training=training)

    @property
    def metrics(self):
        return [self.tracker]

    def contrast(self, z):
        """The normalized temperature-scaled cross-entropy of pairs (i, i + rows)."""
        rows = z.shape[0] // 2
        z = ops.normalize(z, axis=-1, order=2)
        similarity = ops.matmul(z, ops.transpose(z)) / self.temperature
        similarity = similarity - 1e9 * ops.eye(2 * rows)
        partner = (ops.arange(2 * rows) + rows) % (2 * rows)
        losses = keras.losses.sparse_categorical_crossentropy(partner, similarity, from_logits=True)
        return ops.mean(losses)

    def train_step(self, state, data):
        trainable, non_trainable, slots, metrics = state
        (first, second), *_ = keras.utils.unpack_x_y_sample_weight(data)

        def loss_of(weights):
            both = ops.concatenate([first, second], axis=0)
            z, updates = self.stateless_call(weights, non_trainable, both, training=True)
            return self.contrast(z), updates

        (loss, non_trainable), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable)
        trainable, slots = self.optimizer.stateless_apply(slots, gradients, trainable)
        metrics = self.tracker.stateless_update_state(metrics, loss)
        return {"loss": self.tracker.stateless_result(metrics)}, (
            trainable,
            non_trainable,
            slots,
            metrics,
        )


def build():
    encoder = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(8, 3, activation="relu"),
            layers.BatchNormalization(momentum=0.5),
            layers.Conv2D(8, 3, activation="relu"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    projection = keras.Sequential([keras.Input((8,)), layers.Dense(16, "relu"), layers.Dense(8)])
    model = SimCLR(encoder, projection)
    model.build((None, 8, 8, 1))
    return model


def train(model, log):
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.9)))
    model.fit(tuple(VIEWS), batch_size=16, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    model.encoder.trainable = False
    probe = keras.Sequential([model.encoder, layers.Dense(3, kernel_initializer="zeros")])
    probe.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    history = probe.fit(VIEWS[0], LABELS, epochs=4, batch_size=16, shuffle=False, verbose=0)
    return history.history["loss"]
