"""A convolutional network with skip connections; a Loss subclass, and MeanIoU in `compile`

A U-Net segments disks in noise.
"""

import keras
import numpy as np
from keras import layers, ops

rng = np.random.default_rng(0)
rows, columns = np.mgrid[:16, :16]
centers = rng.integers(4, 12, (24, 2, 1, 1))
MASKS = (rows - centers[:, 0]) ** 2 + (columns - centers[:, 1]) ** 2 < 12
IMAGES = (MASKS + rng.normal(0, 0.5, MASKS.shape))[..., None].astype("float32")
MASKS = MASKS[..., None].astype("int32")


class DiceAndCrossentropy(keras.losses.Loss):
    def __init__(self, weight=0.5, name="dice_and_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.weight = weight

    def call(self, y_true, y_pred):
        y_true = ops.cast(ops.squeeze(y_true, -1), y_pred.dtype)
        disk = ops.softmax(y_pred)[..., 1]
        overlap = 2 * ops.sum(y_true * disk, axis=(1, 2))
        dice = 1 - (overlap + 1) / (ops.sum(y_true, (1, 2)) + ops.sum(disk, (1, 2)) + 1)
        entropy = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
        return self.weight * dice + (1 - self.weight) * ops.mean(entropy, axis=(1, 2))

    def get_config(self):
        return {**super().get_config(), "weight": self.weight}


def double_convolution(x, filters):
    for _ in range(2):
        x = layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.8)(x)
        x = layers.Activation("relu")(x)
    return x


def build():
    x = image = keras.Input((16, 16, 1))
    skips = []
    for filters in (4, 8):
        x = double_convolution(x, filters)
        skips.append(x)
        x = layers.MaxPooling2D()(x)
    x = double_convolution(x, 16)
    for filters, skip in zip((8, 4), reversed(skips)):
        x = layers.Conv2DTranspose(filters, 2, strides=2)(x)
        x = double_convolution(layers.Concatenate()([x, skip]), filters)
    return keras.Model(image, layers.Conv2D(2, 1)(x), name="unet")


def train(unet, log):
    unet.compile(
        optimizer=keras.optimizers.SGD(0.05, momentum=0.9, nesterov=True),
        loss=DiceAndCrossentropy(0.3),
        metrics=[keras.metrics.MeanIoU(num_classes=2, sparse_y_pred=False)],
    )
    unet.fit(IMAGES, MASKS, batch_size=12, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    return unet.evaluate(IMAGES, MASKS, verbose=0, return_dict=True)
