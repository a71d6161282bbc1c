"""Dtype policies: mixed_bfloat16, float32 for the last layer, float16 with loss scaling

Two networks, each with the policy of its layers.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 4, 64)
X = (rng.normal(size=(4, 8))[LABELS] + rng.normal(0, 0.5, (64, 8))).astype("float32")


def network(policy):
    return keras.Sequential(
        [
            keras.Input((8,)),
            layers.Dense(16, "relu", dtype=policy),
            layers.LayerNormalization(dtype=policy),
            layers.Dense(16, "tanh", dtype=keras.DTypePolicy(policy)),
            layers.Dense(4, dtype="float32"),
            layers.Activation("softmax", dtype="float32"),
        ]
    )


def build():
    return network("mixed_bfloat16"), network("mixed_float16")


def train(brain, half, log):
    for model in (brain, half):
        model.compile(
            keras.optimizers.SGD(0.05, momentum=0.9, loss_scale_factor=128.0),
            "sparse_categorical_crossentropy",
        )
        model.fit(X, LABELS, batch_size=64, epochs=6, shuffle=False, verbose=0, callbacks=[log])
    types = [layer.compute_dtype == "bfloat16" for layer in brain.layers]
    return types, [w.dtype == "float32" for w in half.weights]
