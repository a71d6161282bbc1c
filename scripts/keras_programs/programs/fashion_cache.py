"""`keras.datasets`: Fashion-MNIST from the files in the cache folder

The files are written here, in the format of the data set, with pictures of stripes.
"""

import gzip
import os

import keras
import numpy as np
from keras import layers

ROWS = 96
rng = np.random.default_rng(0)


def prepare():
    """Writes the four files of the data set into the folder of the cache."""
    folder = os.path.join(os.environ["KERAS_HOME"], "datasets", "fashion-mnist")
    os.makedirs(folder, exist_ok=True)
    for part, rows in ("train", 60_000), ("t10k", 10_000):
        labels = np.zeros(rows, np.uint8)
        images = np.zeros((rows, 28, 28), np.uint8)
        labels[:ROWS] = rng.integers(0, 5, ROWS)
        for image, label in zip(images[:ROWS], labels):
            image[:: label + 2] = 200
        images[:ROWS] += rng.integers(0, 50, (ROWS, 28, 28)).astype(np.uint8)
        for kind, values in ("labels-idx1", labels), ("images-idx3", images):
            header = np.array([8 << 8 | values.ndim, *values.shape], ">u4").tobytes()
            path = os.path.join(folder, f"{part}-{kind}-ubyte.gz")
            with gzip.open(path, "wb", compresslevel=1) as file:
                file.write(header + values.tobytes())


def build():
    return keras.Sequential(
        [
            keras.Input((28, 28)),
            layers.Rescaling(1 / 255),
            layers.Reshape((28, 28, 1)),
            layers.Conv2D(6, 5, strides=3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(5),
        ]
    )


def train(model, log):
    prepare()
    (x, y), (x_test, y_test) = keras.datasets.fashion_mnist.load_data()
    shapes = [list(array.shape) for array in (x, y, x_test, y_test)]
    x, y, x_test, y_test = (array[:ROWS] for array in (x, y, x_test, y_test))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
    model.fit(
        *(x, y, 32, 10), validation_data=(x_test, y_test), shuffle=False, verbose=0, callbacks=[log]
    )
    return shapes, model.evaluate(x_test, y_test, verbose=0)
