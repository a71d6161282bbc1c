"""KerasFileEditor: weights of an old architecture are renamed, removed and added for a new one

A network trains, is saved, and its file is edited to fit a network with other layers.
"""

import os
import tempfile

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 5)).astype("float32")
Y = np.stack([X[:, 0] * X[:, 1], X[:, 2]], axis=-1)


def build():
    old = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, "relu"),
            layers.BatchNormalization(),
            layers.Dense(6, "tanh"),
            layers.Dense(2),
        ]
    )
    x = keras.Input((5,))
    y = layers.Dense(8, "relu")(x)
    y = layers.EinsumDense("ab,bc->ac", 6, bias_axes="c", activation="tanh")(y)
    y = layers.LayerNormalization()(y)
    return old, keras.Model(x, layers.Dense(2, use_bias=False)(y))


def train(old, new, log):
    options = dict(batch_size=16, shuffle=False, verbose=0, callbacks=[log])
    old.compile("adam", "mse")
    old.fit(X, Y, epochs=5, **options)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "old.weights.h5")
        old.save_weights(path)
        editor = keras.saving.KerasFileEditor(path)
        editor.summary()
        if "optimizer" in editor.weights_dict:  # Keras stores the state of the optimizer as well
            editor.delete_object("optimizer")
        before = editor.compare(new)["status"]
        editor.delete_object("layers/batch_normalization")
        editor.rename_object("layers/dense_1", "einsum_dense")
        editor.rename_object("layers/dense_2", "dense_1")
        editor.delete_weight("layers/dense_1", "1")
        editor.add_object("layers/layer_normalization", {"0": np.ones(6)})
        editor.add_weights("layer_normalization", {"1": np.full(6, 0.1)})
        after = editor.compare(new)
        edited = os.path.join(folder, "new.weights.h5")
        editor.save(edited)
        new.load_weights(edited)
    loaded = new.predict(X, verbose=0)
    new.compile("adam", "mse")
    new.fit(X, Y, epochs=5, **options)
    return before == "error", after["error_count"], loaded, new.evaluate(X, Y, verbose=0)
