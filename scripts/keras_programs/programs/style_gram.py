"""Optimization of an image: a Variable of one's own, gradients by `jax.grad`, a feature extractor

The image gets the content of one picture and the correlations of features (the style) of another.
"""

import jax
import keras
import numpy as np
from keras import layers, ops

SIZE = 16
rng = np.random.default_rng(0)
rows, columns = np.mgrid[:SIZE, :SIZE] / SIZE
CONTENT = np.stack([rows, columns, rows * columns], -1)[None].astype("float32")
STYLE = np.sin(12 * rows + rng.normal(size=(3, 1, 1)) * columns * 6)
STYLE = np.moveaxis(STYLE, 0, -1)[None].astype("float32")


def build():
    image = keras.Input((SIZE, SIZE, 3))
    x, taps = image, []
    for filters in (6, 8):
        x = layers.Conv2D(filters, 3, padding="same", activation="tanh")(x)
        taps.append(x)
        x = layers.AveragePooling2D(2)(x)
    return keras.Model(image, taps, name="features", trainable=False)


def gram(features):
    _, height, width, channels = features.shape
    flat = ops.reshape(features, (height * width, channels))
    return ops.matmul(ops.transpose(flat), flat) / (height * width)


def variation(image):
    down, right = image[:, 1:] - image[:, :-1], image[:, :, 1:] - image[:, :, :-1]
    return ops.mean(ops.abs(down)) + ops.mean(ops.abs(right))


def train(features, log):
    content = features(CONTENT)[1]
    style = [gram(tap) for tap in features(STYLE)]
    image = keras.Variable(CONTENT + 0.1, name="image")
    optimizer = keras.optimizers.Adam(
        keras.optimizers.schedules.InverseTimeDecay(0.05, decay_steps=5, decay_rate=0.5)
    )
    optimizer.build([image])

    @jax.jit
    @jax.value_and_grad
    def loss_of(value):
        taps = features(value)
        loss = ops.mean(ops.square(taps[1] - content)) + 0.05 * variation(value)
        for tap, target in zip(taps, style):
            loss += 2.0 * ops.mean(ops.square(gram(tap) - target))
        return loss

    for _ in range(12):
        loss, gradient = loss_of(image.value)
        optimizer.apply([gradient], [image])
        log(loss)
    return image.numpy(), int(optimizer.iterations)
