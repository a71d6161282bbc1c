"""A detector with a loss of one's own for boxes and scores: masks, `where`, IoU and `top_k`

One box per cell of a grid predicts the squares in an image.
"""

import keras
import numpy as np
from keras import layers, ops

GRID, SIZE = 4, 16
CELL = SIZE // GRID
rng = np.random.default_rng(0)
IMAGES = rng.normal(0, 0.1, (24, SIZE, SIZE, 1)).astype("float32")
TARGETS = np.zeros((24, GRID, GRID, 5), "float32")  # presence, center in the cell, size
for row in range(24):
    for _ in range(2):
        height, width = rng.integers(2, 6, 2)
        top, left = rng.integers(0, SIZE - height), rng.integers(0, SIZE - width)
        IMAGES[row, top : top + height, left : left + width] = 1
        y, x = (top + height / 2) / CELL, (left + width / 2) / CELL
        TARGETS[row, int(y), int(x)] = [1, y % 1, x % 1, height / SIZE, width / SIZE]


def corners(boxes):
    offset = ops.cast(ops.arange(GRID), "float32")
    y = (boxes[..., 0] + offset[:, None]) * CELL / SIZE
    x = (boxes[..., 1] + offset[None, :]) * CELL / SIZE
    h, w = boxes[..., 2] / 2, boxes[..., 3] / 2
    return ops.stack([y - h, x - w, y + h, x + w], axis=-1)


def iou(a, b):
    a, b = corners(a), corners(b)
    low, high = ops.maximum(a[..., :2], b[..., :2]), ops.minimum(a[..., 2:], b[..., 2:])
    overlap = ops.prod(ops.relu(high - low), axis=-1)
    area = [ops.prod(box[..., 2:] - box[..., :2], axis=-1) for box in (a, b)]
    return overlap / (area[0] + area[1] - overlap + 1e-6)


@keras.saving.register_keras_serializable("programs")
class DetectionLoss(keras.losses.Loss):
    """Focal loss of the scores plus the errors of the boxes where there is an object."""

    def __init__(self, gamma=2.0, box_weight=5.0, **kwargs):
        super().__init__(**kwargs)
        self.gamma, self.box_weight = gamma, box_weight

    def call(self, target, output):
        present, score = target[..., 0], ops.sigmoid(output[..., 0])
        right = ops.where(present > 0, score, 1 - score)
        focal = -ops.power(1 - right, self.gamma) * ops.log(ops.clip(right, 1e-6, 1.0))
        boxes = ops.sigmoid(output[..., 1:])
        error = ops.sum(ops.abs(target[..., 1:] - boxes), -1) + 1 - iou(target[..., 1:], boxes)
        return ops.sum(focal + self.box_weight * present * error, axis=(1, 2))

    def get_config(self):
        return {**super().get_config(), "gamma": self.gamma, "box_weight": self.box_weight}


def build():
    image = keras.Input((SIZE, SIZE, 1))
    x = image
    for filters in (8, 16):
        x = layers.SeparableConv2D(filters, 3, strides=2, padding="same")(x)
        x = layers.GroupNormalization(groups=4)(x)
        x = layers.Activation("hard_silu")(x)
    return keras.Model(image, layers.Conv2D(5, 1)(x))


def train(model, log):
    model.compile(keras.optimizers.Adam(0.01, amsgrad=True), DetectionLoss(gamma=1.5))
    model.fit(IMAGES, TARGETS, batch_size=12, epochs=10, shuffle=False, verbose=0, callbacks=[log])
    output = model.predict(IMAGES, verbose=0)
    score, cell = ops.top_k(ops.reshape(output[..., 0], (24, -1)), k=2)
    loss = keras.losses.deserialize(keras.losses.serialize(DetectionLoss(gamma=1.5)))
    return ops.convert_to_numpy(score), ops.convert_to_numpy(cell), float(loss(TARGETS, output))
