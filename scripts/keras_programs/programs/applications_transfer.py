"""`keras.applications`: a MobileNet with `preprocess_input`, frozen and then fine-tuned

Random pictures in four colors; weights are those of the initializers.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 4, 24)
COLORS = rng.uniform(0, 255, (4, 1, 1, 3))
X = np.clip(COLORS[LABELS] + rng.normal(0, 60, (24, 32, 32, 3)), 0, 255).astype("float32")
mobilenet = keras.applications.mobilenet


def build():
    base = keras.applications.MobileNet(
        input_shape=(32, 32, 3), alpha=0.25, include_top=False, weights=None, pooling="avg"
    )
    base.trainable = False
    image = keras.Input((32, 32, 3))
    x = mobilenet.preprocess_input(image)
    x = layers.Dense(8, "relu")(base(x))
    return keras.Model(image, layers.Dense(4, "softmax")(x))


def train(model, log):
    base = model.get_layer("mobilenet_0.25_32")
    options = dict(batch_size=8, shuffle=False, verbose=0, callbacks=[log])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(X, LABELS, epochs=7, **options)
    counts = [len(model.trainable_weights), len(model.non_trainable_weights), len(base.layers)]

    base.trainable = True
    for layer in base.layers:
        # Normalization goes on with its averages, as the guide to fine-tuning advises.
        layer.trainable = layer.name.startswith(("conv_pw_13", "conv_dw_13"))
    model.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy")
    model.fit(X, LABELS, epochs=3, **options)
    counts += [len(model.trainable_weights), len(model.non_trainable_weights)]
    prepared = mobilenet.preprocess_input(X[:2].copy())
    scores = np.eye(1000, dtype="float32")[[3, 7]]
    return counts, prepared, model.predict(X, verbose=0), scores.argmax(-1)
