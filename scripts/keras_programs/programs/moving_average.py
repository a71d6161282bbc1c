"""Moving averages of weights: `use_ema` with and without overwriting, and SwapEMAWeights

Evaluation uses the averages, training goes on with the weights.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 6)).astype("float32")
Y = (X[:, :1] * X[:, 1:2] + rng.normal(0, 0.3, (48, 1))).astype("float32")


def build():
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(12, "leaky_relu"),
            layers.Dense(12, "celu"),
            layers.Dense(1),
        ]
    )


def train(model, log):
    optimizer = keras.optimizers.SGD(
        0.05, use_ema=True, ema_momentum=0.7, ema_overwrite_frequency=4
    )
    model.compile(optimizer=optimizer, loss="mse")
    model.fit(X, Y, epochs=5, batch_size=16, shuffle=False, verbose=0, callbacks=[log])

    optimizer = keras.optimizers.Adam(0.02, use_ema=True, ema_momentum=0.8)
    model.compile(optimizer=optimizer, loss="mse")
    for _ in range(6):
        log(model.train_on_batch(X, Y))
    # Not in `fit`, where Keras on JAX cannot swap the weights.
    swap = keras.callbacks.SwapEMAWeights()
    losses = [model.evaluate(X, Y, verbose=0, callbacks=c) for c in ([], [swap], [])]
    optimizer.finalize_variable_values(model.trainable_variables)
    return losses, model.predict(X, verbose=0)
