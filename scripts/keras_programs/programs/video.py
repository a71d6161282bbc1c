"""TimeDistributed convolutions, 3D pooling, and recurrent layers with masks from Masking

Clips of varying length in which a dot moves in one of four directions.
"""

import keras
import numpy as np
from keras import layers, ops

FRAMES, SIZE = 6, 8
rng = np.random.default_rng(0)
DIRECTION = rng.integers(0, 4, 32)
MOVES = np.array([[0, 1], [0, -1], [1, 0], [-1, 0]])
CLIPS = np.zeros((32, FRAMES, SIZE, SIZE, 1), "float32")
LENGTHS = rng.integers(4, FRAMES + 1, 32)
for row in range(32):
    start = rng.integers(2, 6, 2)
    for frame in range(LENGTHS[row]):
        y, x = (start + frame * MOVES[DIRECTION[row]]) % SIZE
        CLIPS[row, frame, y, x] = 1


def build():
    clip = keras.Input((FRAMES, SIZE, SIZE, 1))
    frame = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 1)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
        ]
    )
    vectors = layers.TimeDistributed(frame)(clip)
    x = layers.Masking(mask_value=0.0)(vectors)
    x = layers.TimeDistributed(layers.Dense(8, "tanh"))(x)
    cells = [layers.LSTMCell(8), layers.GRUCell(8)]
    x = layers.RNN(cells, return_sequences=True)(x)
    x = layers.Bidirectional(layers.LSTM(4), merge_mode="ave")(x)

    y = layers.Conv3D(3, 2, activation="relu")(clip)
    y = layers.GlobalAveragePooling3D()(layers.MaxPooling3D(2)(y))
    return keras.Model(clip, layers.Dense(4, "softmax")(layers.Concatenate()([x, y])))


def train(model, log):
    model.compile(
        "adam", "sparse_categorical_crossentropy", metrics=["sparse_categorical_accuracy"]
    )
    model.fit(CLIPS, DIRECTION, 16, 10, shuffle=False, verbose=0, callbacks=[log])
    guess = ops.argmax(model.predict(CLIPS, verbose=0), axis=-1)
    confusion = np.zeros((4, 4), int)
    np.add.at(confusion, (DIRECTION, np.asarray(guess)), 1)
    return confusion, model.evaluate(CLIPS, DIRECTION, verbose=0)
