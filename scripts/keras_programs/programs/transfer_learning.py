"""Frozen layers, `training=False` of BatchNormalization, unfreezing, and weights in a file

A network trains on one task; its trunk is reused for another, first frozen, then fine-tuned.
"""

import os
import tempfile

import keras
import numpy as np
from keras import layers

DIFFERENCE = (
    "cornu honors `trunk(image, training=False)` in `fit`; Keras runs batch normalization inside "
    "the nested model in training mode."
)

rng = np.random.default_rng(0)
X = rng.normal(size=(48, 8, 8, 1)).astype("float32")
COARSE = (X.mean((1, 2, 3)) > 0).astype("float32")
FINE = np.digitize(X[:, 2:6, 2:6].mean((1, 2, 3)), [-0.1, 0.1])


def trunk():
    image = keras.Input((8, 8, 1))
    x = layers.Rescaling(0.5, offset=0.1)(image)
    x = layers.ZeroPadding2D(1)(x)
    for index, filters in enumerate((6, 8)):
        x = layers.Conv2D(filters, 3, use_bias=False, name=f"conv_{index}")(x)
        x = layers.BatchNormalization(momentum=0.6, name=f"norm_{index}")(x)
        x = layers.ReLU(max_value=6.0)(x)
    return keras.Model(image, x, name="trunk")


def build():
    base = trunk()
    pretext = keras.Sequential([base, layers.GlobalMaxPooling2D(), layers.Dense(1)], name="pretext")
    pretext.build((None, 8, 8, 1))

    copy = trunk()
    copy.trainable = False
    image = keras.Input((8, 8, 1))
    x = copy(image, training=False)
    x = layers.Flatten()(layers.AveragePooling2D(2)(x))
    return pretext, keras.Model(image, layers.Dense(3, "softmax")(x), name="task")


def train(pretext, task, log):
    pretext.compile("adam", keras.losses.BinaryCrossentropy(from_logits=True))
    options = dict(batch_size=16, shuffle=False, verbose=0, callbacks=[log])
    pretext.fit(X, COARSE, epochs=3, **options)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "trunk.weights.h5")
        pretext.get_layer("trunk").save_weights(path)
        task.get_layer("trunk").load_weights(path)

    task.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    task.fit(X, FINE, epochs=4, **options)
    counts = [len(task.trainable_weights), len(task.non_trainable_weights)]

    copy = task.get_layer("trunk")
    copy.trainable = True
    for layer in copy.layers[:4]:
        layer.trainable = False
    task.compile(
        keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    task.fit(X, FINE, epochs=5, **options)
    counts += [len(task.trainable_weights), len(task.non_trainable_weights)]
    features = keras.Model(copy.input, copy.get_layer("conv_1").output)
    return counts, task.evaluate(X, FINE, verbose=0), features.predict(X[:3], verbose=0)
