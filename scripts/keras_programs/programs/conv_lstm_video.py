"""ConvLSTM2D and ConvLSTM1D: prediction of the next frame, states, and frames one at a time

A square moves over a small image; the model is trained to draw the next frame.
"""

import keras
import numpy as np
from keras import layers, ops

FRAMES, SIZE = 5, 8
rng = np.random.default_rng(0)
MOVIES = np.zeros((24, FRAMES + 1, SIZE, SIZE, 1), "float32")
for movie in MOVIES:
    position, step = rng.integers(0, SIZE - 1, 2), rng.integers(-1, 2, 2)
    for frame in movie:
        y, x = position % (SIZE - 1)
        frame[y : y + 2, x : x + 2] = 1
        position += step
INPUTS, TARGETS = MOVIES[:, :-1], MOVIES[:, 1:]


def build():
    movie = keras.Input((None, SIZE, SIZE, 1))
    x = layers.ConvLSTM2D(6, 3, padding="same", return_sequences=True)(movie)
    x = layers.BatchNormalization(momentum=0.8)(x)
    x = layers.ConvLSTM2D(4, (3, 3), padding="same", return_sequences=True, activation="relu")(x)
    predictor = keras.Model(movie, layers.Conv3D(1, 3, padding="same", activation="sigmoid")(x))

    rows = keras.Input((FRAMES, SIZE, SIZE))
    encoder = layers.ConvLSTM1D(4, 3, strides=2, return_state=True)
    _, *states = encoder(rows)
    decoder = layers.Bidirectional(layers.ConvLSTM1D(3, 2, padding="same"), merge_mode="sum")
    y = decoder(rows)
    y = layers.Concatenate()([layers.Flatten()(ops.add(*states)), layers.Flatten()(y)])
    return predictor, keras.Model(rows, layers.Dense(2)(y))


def train(predictor, pointer, log):
    predictor.compile(keras.optimizers.Adam(0.01), "binary_crossentropy")
    predictor.fit(
        INPUTS, TARGETS, batch_size=12, epochs=7, shuffle=False, verbose=0, callbacks=[log]
    )
    corner = np.stack([[np.argwhere(movie[-1, ..., 0])[0]] for movie in MOVIES])[:, 0]
    pointer.compile("rmsprop", keras.losses.Huber())
    pointer.fit(*(INPUTS[..., 0], corner / SIZE), 12, 4, shuffle=False, verbose=0, callbacks=[log])

    movie = INPUTS[:2]
    for _ in range(3):
        predicted = predictor.predict(movie, verbose=0)[:, -1:]
        movie = np.concatenate([movie, predicted], axis=1)
    return movie[:, FRAMES:], pointer.predict(INPUTS[:4, ..., 0], verbose=0)
