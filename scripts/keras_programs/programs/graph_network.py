"""A layer with `add_weight`, segment sums and scatter; one large batch

A network passes messages along the edges of a graph and classifies its nodes.
"""

import keras
import numpy as np
from keras import layers, ops

NODES, EDGES, FEATURES, CLASSES = 40, 120, 6, 3
rng = np.random.default_rng(0)
LABELS = rng.integers(0, CLASSES, NODES)
X = (np.eye(CLASSES)[LABELS] @ rng.normal(size=(CLASSES, FEATURES))).astype("float32")
X += rng.normal(0, 0.5, X.shape).astype("float32")
SOURCES, TARGETS = rng.integers(0, NODES, (2, EDGES))
KNOWN = (rng.uniform(size=NODES) < 0.6).astype("float32")


class GraphConvolution(layers.Layer):
    """Adds to each node the transformed mean of its neighbors, weighted by attention."""

    def __init__(self, units, activation=None, kernel_regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, input_shape):
        size = input_shape[0][-1]
        self.kernel = self.add_weight(
            shape=(size, self.units),
            initializer="he_normal",
            regularizer=self.kernel_regularizer,
            name="kernel",
        )
        self.own_kernel = self.add_weight(
            shape=(size, self.units), initializer="orthogonal", name="own_kernel"
        )
        self.attention = self.add_weight(shape=(2 * self.units,), name="attention")
        self.bias = self.add_weight(shape=(self.units,), initializer="zeros", name="bias")

    def call(self, inputs):
        nodes, sources, targets = inputs
        count = ops.shape(nodes)[0]
        values = ops.matmul(nodes, self.kernel)
        sent, received = ops.take(values, sources, axis=0), ops.take(values, targets, axis=0)
        pair = ops.concatenate([sent, received], axis=-1)
        score = ops.exp(ops.leaky_relu(ops.matmul(pair, self.attention), 0.2))
        total = ops.segment_sum(score, targets, num_segments=count)
        weight = score / ops.take(total, targets)
        message = ops.scatter(targets[:, None], weight[:, None] * sent, (count, self.units))
        return self.activation(message + ops.matmul(nodes, self.own_kernel) + self.bias)


class GraphNetwork(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = GraphConvolution(8, "elu", kernel_regularizer=keras.regularizers.L2(1e-3))
        self.output_layer = GraphConvolution(CLASSES)

    def call(self, inputs):
        nodes, sources, targets = inputs
        x = self.hidden([nodes, sources, targets])
        return self.output_layer([x, sources, targets])


def build():
    model = GraphNetwork()
    model((X, SOURCES[:, None][:, 0], TARGETS))
    return model


def train(model, log):
    optimizer = keras.optimizers.Adam(0.02, weight_decay=1e-3)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    for _ in range(10):
        # The edges are not rows of the data, so the whole graph is one batch.
        log(model.train_on_batch((X, SOURCES, TARGETS), LABELS, sample_weight=KNOWN))
    logits = model((X, SOURCES, TARGETS))
    return ops.convert_to_numpy(logits), float(ops.mean(ops.argmax(logits, -1) == LABELS))
