"""A loss over the similarities within a batch, a Metric subclass with state, and a PyDataset

Embeddings on the sphere by semi-hard triplets; recall among the neighbors is measured.
"""

import keras
import numpy as np
from keras import layers, ops

CLASSES = 4
rng = np.random.default_rng(0)
CENTERS = rng.normal(size=(CLASSES, 10))


class BalancedBatches(keras.utils.PyDataset):
    """Batches in which each class occurs equally often."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        rng = np.random.default_rng(index)
        labels = np.repeat(np.arange(CLASSES), 5)
        x = CENTERS[labels] + rng.normal(0, 1.0, (len(labels), 10))
        return x.astype("float32"), labels


def triplet_loss(labels, embedding, margin=0.4):
    labels = ops.reshape(labels, (-1,))
    distance = 2 - 2 * ops.matmul(embedding, ops.transpose(embedding))
    same = ops.equal(labels[:, None], labels[None, :])
    positive = ops.where(same, distance, -np.inf)
    hardest_positive = ops.max(positive, axis=1, keepdims=True)
    is_semi_hard = ops.logical_and(ops.logical_not(same), distance > hardest_positive)
    far = ops.max(ops.where(same, -np.inf, distance), axis=1)
    nearest = ops.min(ops.where(is_semi_hard, distance, np.inf), axis=1)
    negative = ops.where(ops.isfinite(nearest), nearest, far)
    return ops.relu(hardest_positive[:, 0] - negative + margin)


class NeighborRecall(keras.metrics.Metric):
    """How often the nearest other row has the same label."""

    def __init__(self, name="recall", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hits = self.add_weight(name="hits", initializer="zeros")
        self.count = self.add_variable(shape=(), name="count", initializer="zeros")

    def update_state(self, labels, embedding, sample_weight=None):
        labels = ops.reshape(labels, (-1,))
        similarity = ops.matmul(embedding, ops.transpose(embedding)) - 9 * ops.eye(len(labels))
        nearest = ops.take(labels, ops.argmax(similarity, axis=1))
        self.hits.assign_add(ops.sum(ops.cast(nearest == labels, self.dtype)))
        self.count.assign(self.count + ops.cast(ops.shape(labels)[0], self.dtype))

    def result(self):
        return ops.divide_no_nan(self.hits, self.count)


def build():
    return keras.Sequential(
        [
            keras.Input((10,)),
            layers.Dense(16),
            layers.LeakyReLU(negative_slope=0.1),
            layers.Dense(4, use_bias=False),
            layers.UnitNormalization(axis=-1),
        ]
    )


def train(model, log):
    model.compile(
        keras.optimizers.Ftrl(0.3, beta=0.1), loss=triplet_loss, metrics=[NeighborRecall()]
    )
    data = BalancedBatches()
    history = model.fit(data, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    return history.history["recall"], model.evaluate(data, verbose=0)
