"""Dicts of inputs and outputs: losses, weights, metrics and sample weights by name

One trunk with three heads: a number, a class and several labels.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
ROWS = 60
X = {
    "numbers": rng.normal(size=(ROWS, 6)).astype("float32"),
    "category": rng.integers(0, 5, (ROWS, 1)),
}
Y = {
    "price": (X["numbers"][:, :1] * 2 + X["category"]).astype("float32"),
    "kind": X["category"][:, 0] % 3,
    "tags": (X["numbers"][:, 2:6] > 0).astype("float32"),
}
WEIGHTS = {
    "price": rng.uniform(0.5, 1.5, ROWS).astype("float32"),
    "kind": (rng.uniform(size=ROWS) > 0.2).astype("float32"),
    "tags": np.ones(ROWS, "float32"),
}


def build():
    numbers = keras.Input((6,), name="numbers")
    category = keras.Input((1,), name="category", dtype="int32")
    embedded = layers.Flatten()(layers.Embedding(5, 3)(category))
    x = layers.Dense(16, "selu", kernel_initializer="lecun_normal")(
        layers.concatenate([numbers, embedded])
    )
    outputs = {
        "price": layers.Dense(1, name="price")(x),
        "kind": layers.Dense(3, "softmax", name="kind")(x),
        "tags": layers.Dense(4, "sigmoid", name="tags")(x),
    }
    return keras.Model({"numbers": numbers, "category": category}, outputs)


def train(model, log):
    model.compile(
        optimizer="adamw",
        loss={
            "price": keras.losses.Huber(),
            "kind": "sparse_categorical_crossentropy",
            "tags": keras.losses.BinaryCrossentropy(label_smoothing=0.1),
        },
        loss_weights={"price": 0.5, "kind": 1.0, "tags": 2.0},
        metrics={"price": "mae", "tags": [keras.metrics.Precision(), keras.metrics.Recall()]},
        weighted_metrics={"kind": ["accuracy"]},
    )
    history = model.fit(
        X,
        Y,
        sample_weight=WEIGHTS,
        batch_size=20,
        epochs=10,
        shuffle=False,
        verbose=0,
        callbacks=[log],
    )
    names = sorted(
        name for name in history.history if "precision" not in name and "recall" not in name
    )
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    predicted = model.predict({key: value[:5] for key, value in X.items()}, verbose=0)
    return {name: history.history[name] for name in names}, sorted(logs.values()), predicted
