"""`keras.applications`: features of an inner layer of VGG16, and `preprocess_input` in its modes

The layers up to the second pooling are a feature extractor, on which a small network is trained.
"""

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(0)
LABELS = rng.integers(0, 3, 30)
STRIPES = np.sin(np.arange(32)[:, None] * np.array([0.4, 0.9, 1.6]))  # (32, 3)
X = 127 + 100 * STRIPES.T[LABELS][:, :, None, None] * np.ones((1, 1, 32, 3))
X = np.clip(X + rng.normal(0, 30, X.shape), 0, 255).astype("float32")
utils = keras.applications.imagenet_utils


def build():
    base = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    extractor = keras.Model(base.input, base.get_layer("block2_pool").output)
    head = keras.Sequential(
        [
            keras.Input((8, 8, 128)),
            layers.GlobalMaxPooling2D(),
            layers.LayerNormalization(),
            layers.Dense(3),
        ]
    )
    return extractor, head


def train(extractor, head, log):
    prepared = keras.applications.vgg16.preprocess_input(X.copy())
    others = [
        utils.preprocess_input(X[:2].copy(), data_format="channels_last", mode=mode)
        for mode in ("caffe", "tf", "torch")
    ]
    features = extractor.predict(prepared, verbose=0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    head.compile(keras.optimizers.Adam(0.05), loss, metrics=["accuracy"])
    head.fit(features, LABELS, 10, 10, shuffle=False, verbose=0, callbacks=[log])
    counts = [len(extractor.layers), extractor.count_params()]
    return counts, others, features[:2], head.evaluate(features, LABELS, verbose=0)
