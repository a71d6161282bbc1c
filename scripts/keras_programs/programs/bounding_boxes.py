"""`keras.utils.bounding_boxes`: formats, anchors and deltas, overlap; a regression of boxes

Bright rectangles in noisy pictures.
"""

import keras
import numpy as np
from keras import layers, ops

SIZE = 16
boxes_of = keras.utils.bounding_boxes
rng = np.random.default_rng(0)
CORNERS = rng.integers(0, 8, (40, 2))
SIZES = rng.integers(4, 8, (40, 2))
BOXES = np.concatenate([CORNERS, SIZES], axis=-1).astype("float32")  # xywh
IMAGES = rng.normal(0, 0.2, (40, SIZE, SIZE, 1)).astype("float32")
for image, (x, y, width, height) in zip(IMAGES, BOXES.astype(int)):
    image[y : y + height, x : x + width] += 1
ANCHOR = np.array([[4.0, 4.0, 12.0, 12.0]], "float32")  # xyxy


def build():
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            layers.Conv2D(6, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(16, "relu"),
            layers.Dense(4),
        ]
    )


def train(model, log):
    corners = boxes_of.convert_format(BOXES, source="xywh", target="xyxy")
    anchors = ops.repeat(ANCHOR, 40, axis=0)
    variance = [0.1, 0.1, 0.2, 0.2]
    deltas = boxes_of.encode_box_to_deltas(
        anchors, corners, anchor_format="xyxy", box_format="xyxy", variance=variance
    )
    model.compile(keras.optimizers.Adam(0.005), keras.losses.Huber())
    options = dict(shuffle=False, verbose=0, callbacks=[log])
    model.fit(IMAGES, ops.convert_to_numpy(deltas), 20, 10, **options)

    found = boxes_of.decode_deltas_to_boxes(
        anchors,
        model.predict(IMAGES, verbose=0),
        anchor_format="xyxy",
        box_format="xyxy",
        variance=variance,
    )
    found = boxes_of.clip_to_image_size(
        {"boxes": found, "labels": np.ones((40,), "int32")}, SIZE, SIZE, "xyxy"
    )["boxes"]
    relative = boxes_of.convert_format(found, "xyxy", "rel_center_xywh", SIZE, SIZE)
    overlap = boxes_of.compute_iou(found, corners, "xyxy")
    complete = boxes_of.compute_ciou(found, corners, "xyxy")
    return [ops.convert_to_numpy(x) for x in (deltas, relative, overlap, complete)]
