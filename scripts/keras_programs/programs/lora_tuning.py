"""`enable_lora`: low-rank adapters of Dense, Embedding and EinsumDense layers of a trained model

A classifier of token sequences is trained, and its adapters are tuned for other labels.
"""

import keras
import numpy as np
from keras import layers, ops

TOKENS = 20
rng = np.random.default_rng(0)
X = rng.integers(0, TOKENS, (64, 6))
FIRST = (X.sum(-1) > 57).astype("float32")[:, None]
SECOND = (X[:, :3].sum(-1) > 28).astype("float32")[:, None]


def build():
    tokens = keras.Input((6,), dtype="int32")
    x = layers.Embedding(TOKENS, 8, name="embedding")(tokens)
    x = layers.EinsumDense("abc,cd->abd", (None, 6), activation="relu", name="mixing")(x)
    x = layers.Dense(8, "tanh", name="hidden")(layers.GlobalAveragePooling1D()(x))
    return keras.Model(tokens, layers.Dense(1, "sigmoid", name="out")(x))


def train(model, log):
    options = dict(batch_size=16, shuffle=False, verbose=0, callbacks=[log])
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    model.fit(X, FIRST, epochs=5, **options)

    model.trainable = False
    start = np.random.default_rng(1)
    for name in ("embedding", "mixing", "hidden"):
        layer = model.get_layer(name)
        layer.trainable = True
        layer.enable_lora(2, lora_alpha=4)
        # The adapters start from the same random numbers in both libraries.
        a = layer.lora_embeddings_a if name == "embedding" else layer.lora_kernel_a
        a.assign(start.normal(0, 0.3, a.shape))
    frozen = np.asarray(model.get_layer("hidden")._kernel).copy()
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy")
    model.fit(X, SECOND, epochs=6, **options)
    hidden = model.get_layer("hidden")
    moved = float(np.abs(np.asarray(hidden._kernel) - frozen).max())
    merged = ops.convert_to_numpy(ops.matmul(hidden.lora_kernel_a, hidden.lora_kernel_b))
    shapes = [list(v.shape) for v in model.trainable_variables]
    return moved, merged, sorted(shapes), model.evaluate(X, SECOND, verbose=0)
