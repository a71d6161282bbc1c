"""`quantize("int8")`: a network of 8-bit weights, evaluated batch by batch and saved

Losses are those of the quantized network on ten batches, after its weights were given.
"""

import os
import tempfile

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
X = rng.integers(0, 30, (80, 5))
Y = rng.normal(size=(80, 3)).astype("float32")


def build():
    tokens = keras.Input((5,), dtype="int32")
    x = layers.Embedding(30, 12)(tokens)
    x = layers.EinsumDense("abc,cd->abd", (5, 10), activation="relu")(x)
    x = layers.Dense(16, "relu")(layers.Flatten()(x))
    return keras.Model(tokens, layers.Dense(3)(x))


def train(model, log):
    model.compile("sgd", "mse")
    exact = model.predict(X, verbose=0)
    model.quantize("int8")
    model.compile("sgd", "mse")
    for start in range(0, 80, 8):
        log(model.test_on_batch(X[start : start + 8], Y[start : start + 8]))
    found = model.predict(X, verbose=0)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "int8.keras")
        model.save(path)
        loaded = keras.models.load_model(path)
    gap = float(np.abs(loaded.predict(X, verbose=0) - found).max())
    close = bool(np.abs(found - exact).max() < 0.2)
    return gap, close, found, sorted({str(w.dtype) for w in model.weights}) == ["float32", "int8"]
