"""Image layers as a pipeline: resizing, cropping, contrast and equalization before a classifier

Pictures of different brightness; the pipeline runs on arrays, and as layers of a model.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 30)
PATTERNS = rng.uniform(0, 1, (3, 20, 24, 3))
X = PATTERNS[LABELS] * rng.uniform(90, 255, (30, 1, 1, 1)) + rng.uniform(0, 20, (30, 20, 24, 3))
X = np.clip(X, 0, 255).astype("float32")


def pipeline():
    return layers.Pipeline(
        [
            layers.Resizing(16, 16, interpolation="bilinear", crop_to_aspect_ratio=True),
            layers.AutoContrast(value_range=(0, 255)),
            layers.CenterCrop(12, 14),
        ]
    )


def build():
    image = keras.Input((12, 14, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Normalization(axis=-1, mean=[0.1, 0.0, -0.1], variance=[0.4, 0.5, 0.6])(x)
    x = layers.SeparableConv2D(6, 3, activation="silu")(x)
    x = layers.GlobalAveragePooling2D()(x)
    return keras.Model(image, layers.Dense(3)(x))


def train(model, log):
    prepared = np.asarray(pipeline()(X))
    equal = np.asarray(layers.Equalization(value_range=(0, 255))(np.round(X[:1], -1)))
    gray = np.asarray(layers.RandomGrayscale(factor=1.0)(prepared[:3], training=True))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Nadam(0.02), loss, metrics=["accuracy"])
    model.fit(prepared, LABELS, 10, 10, shuffle=False, verbose=0, callbacks=[log])
    return prepared, equal, gray, model.evaluate(prepared, LABELS, verbose=0)
