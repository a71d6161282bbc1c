"""Sub-pixel convolution by reshapes, `image.resize`, and a metric function

Images are enlarged by two; the network adds detail to the bicubic enlargement.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
phase = rng.uniform(0, 6, (24, 1, 1))
rows, columns = np.mgrid[:16, :16]
SHARP = (0.5 + 0.5 * np.sin(0.8 * rows + 0.5 * columns + phase))[..., None].astype("float32")
SMALL = SHARP.reshape(24, 8, 2, 8, 2, 1).mean((2, 4))


def pixel_shuffle(x, factor):
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height, width, factor, factor, channels // factor**2))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height * factor, width * factor, channels // factor**2))


class PixelShuffle(layers.Layer):
    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return pixel_shuffle(x, self.factor)


def psnr(y_true, y_pred):
    return ops.psnr(y_true, ops.clip(y_pred, 0, 1), max_val=1.0)


def charbonnier(y_true, y_pred):
    return ops.mean(ops.sqrt(ops.square(y_true - y_pred) + 1e-4), axis=(1, 2, 3))


def build():
    small = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(small)
    skip = x
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.Multiply()([layers.Add()([x, skip]), layers.Dense(8, "sigmoid")(x)])
    x = PixelShuffle(2)(layers.Conv2D(4, 3, padding="same", kernel_initializer="he_uniform")(x))
    enlarged = ops.image.resize(small, (16, 16), interpolation="bicubic")
    return keras.Model(small, enlarged + x)


def train(model, log):
    model.compile(keras.optimizers.Adam(5e-3), charbonnier, metrics=[psnr])
    model.fit(SMALL, SHARP, batch_size=12, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    patches = ops.image.extract_patches(SHARP[:2], size=4)
    plain = layers.Resizing(16, 16, interpolation="nearest")(SMALL[:2])
    return model.evaluate(SMALL, SHARP, verbose=0), patches, plain
